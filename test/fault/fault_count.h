/*
 * Counts the calls of one kind and says which of them is to fail. Thread-safe;
 * what is not armed only counts.
 */
#ifndef ROWHOUSE_TEST_FAULT_COUNT_H
#define ROWHOUSE_TEST_FAULT_COUNT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct fault_count {
    _Atomic bool on;
    _Atomic int64_t calls; /* since it was armed, until it was disarmed */
    _Atomic int64_t fired;
    _Atomic int64_t at; /* the call that fails, from 1; 0: none */
    _Atomic bool for_ever;
};

static inline void fault_count_arm(struct fault_count *c, int64_t n, bool for_ever)
{
    atomic_store(&c->on, false);
    atomic_store(&c->at, n);
    atomic_store(&c->for_ever, for_ever);
    atomic_store(&c->fired, 0);
    atomic_store(&c->calls, 0);
    atomic_store(&c->on, true);
}

/* No call fails or counts from now on; `fired` and `calls` stay to be asked. */
static inline void fault_count_disarm(struct fault_count *c)
{
    atomic_store(&c->on, false);
}

/* True where this call is to fail. */
static inline bool fault_count_due(struct fault_count *c)
{
    if (!atomic_load_explicit(&c->on, memory_order_relaxed))
        return false;
    int64_t at = atomic_load(&c->at);
    int64_t call = atomic_fetch_add(&c->calls, 1) + 1;
    bool due = at && (call == at || (call > at && atomic_load(&c->for_ever)));
    if (due)
        atomic_fetch_add(&c->fired, 1);
    return due;
}

#endif
