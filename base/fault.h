/*
 * Numbered fault points, for tests.
 *
 * A test arms a kind so that its n-th call from now on fails, runs the code,
 * and repeats with n + 1 until nothing fires any more: then every point that
 * can fail has failed once. Always compiled in; a point that is not armed
 * costs one relaxed load. Any thread may pass a point; only tests arm them.
 */
#ifndef ROWHOUSE_BASE_FAULT_H
#define ROWHOUSE_BASE_FAULT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum fault_kind {
    FAULT_ALLOC, /* an allocation fails */
    FAULT_IO,    /* a system call on a file fails; the point chooses the errno */
    FAULT_KINDS_
};

/* How many kinds are armed. Read through fault_hit(). */
extern _Atomic int fault_armed_;

bool fault_count_(enum fault_kind kind);

/* True where this call is to fail. */
static inline bool fault_hit(enum fault_kind kind)
{
    return __builtin_expect(atomic_load_explicit(&fault_armed_, memory_order_relaxed) != 0, 0) &&
           fault_count_(kind);
}

/* The n-th call (from 1) of that kind fails, with `repeat` all after it too.
 * Sets fault_fired() of the kind back to 0. n = 0 disarms. */
void fault_arm(enum fault_kind kind, int64_t n, bool repeat);

/* How many calls have failed since the kind was armed last. */
int64_t fault_fired(enum fault_kind kind);

/* The allocator of base: as in libc, each a fault point. */
static inline void *fault_malloc(size_t n)
{
    return fault_hit(FAULT_ALLOC) ? NULL : malloc(n);
}

static inline void *fault_calloc(size_t count, size_t n)
{
    return fault_hit(FAULT_ALLOC) ? NULL : calloc(count, n);
}

static inline void *fault_realloc(void *p, size_t n)
{
    return fault_hit(FAULT_ALLOC) ? NULL : realloc(p, n);
}

#endif
