/*
 * Owned, growing byte buffers and the arena that is freed with its request.
 *
 * A buffer remembers that an allocation failed (`failed`): appending to it is
 * then a no-op, so that a writer appends without checking and asks once at
 * the end with buf_ok(). Neither type may be used by two threads at once.
 */
#ifndef ROWHOUSE_BASE_BUF_H
#define ROWHOUSE_BASE_BUF_H

#include "base/str.h"

#define CLEANUP(f) __attribute__((cleanup(f)))

/* Hands an owned pointer over: the variable becomes NULL. */
#define TAKE(p)                                                                                    \
    __extension__({                                                                                \
        __typeof__(p) take_ = (p);                                                                 \
        (p) = NULL;                                                                                \
        take_;                                                                                     \
    })

void freep(void *pointer_to_pointer);

struct buf {
    char *p; /* owned; NULL while nothing was appended */
    size_t n, cap;
    bool failed;
    bool fixed; /* borrowed memory: fails instead of growing, never freed */
};

#define BUF_INIT                                                                                   \
    {                                                                                              \
        NULL, 0, 0, false, false                                                                   \
    }

/* A buffer inside a char array, for where memory must not be asked for. */
#define BUF_FIXED(array)                                                                           \
    {                                                                                              \
        (array), 0, sizeof(array), false, true                                                     \
    }

void buf_free(struct buf *b);

/* Forgets the content, keeps the memory, clears `failed`. */
void buf_reset(struct buf *b);

static inline bool buf_ok(const struct buf *b)
{
    return !b->failed;
}

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->p ? b->p : "", b->n};
}

/* Makes room for n more bytes. False (and `failed`) where memory is out. */
bool buf_reserve(struct buf *b, size_t n);

void buf_grow_and_add(struct buf *b, const char *p, size_t n);

static inline void buf_add(struct buf *b, struct str s)
{
    if (s.n <= b->cap - b->n && b->p && !b->failed) {
        if (s.n)
            memcpy(b->p + b->n, s.p, s.n);
        b->n += s.n;
    } else {
        buf_grow_and_add(b, s.p, s.n);
    }
}

static inline void buf_char(struct buf *b, char c)
{
    buf_add(b, (struct str){&c, 1});
}

#define buf_lit(b, lit) buf_add((b), STR(lit))

void buf_u64(struct buf *b, uint64_t v);
void buf_i64(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The content NUL-terminated (the NUL is not counted in n), "" where memory is
 * out. Valid until the next append. */
const char *buf_cstr(struct buf *b);

/* The content as a malloc'd string owned by the caller; the buffer is empty
 * afterwards. NULL where memory is out. */
char *buf_take(struct buf *b, size_t *ret_n);

/*
 * Arena: allocations that live until arena_free() or arena_reset().
 */
struct arena_block;

struct arena {
    struct arena_block *head;
    size_t used_bytes; /* all that was handed out since the last reset */
};

#define ARENA_INIT                                                                                 \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

/* Zeroed memory aligned for any object, or NULL where memory is out. */
void *arena_alloc(struct arena *a, size_t n);

/* A copy, NUL-terminated behind its n bytes. {NULL, 0} where memory is out. */
struct str arena_copy(struct arena *a, struct str s);
struct optstr arena_copy_opt(struct arena *a, struct optstr s);

/* printf into the arena; {NULL, 0} where memory is out. */
struct str arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))

/* Frees all but one block, which the next allocations use. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

#endif
