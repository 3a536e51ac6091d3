/*
 * Arena: a list of blocks that only grow. The head is where small allocations
 * are cut from; a large one gets a block of its own behind the head, so that
 * it does not waste what is left there. Blocks come zeroed and are zeroed
 * again on reset, only as far as they were used.
 */
#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/fault.h"

enum {
    ARENA_ALIGN = 16,
    ARENA_BLOCK_MIN = 4096, /* bytes with the header */
    ARENA_BLOCK_MAX = 65536,
    ARENA_OWN_BLOCK = 16384 /* larger allocations get their own */
};

struct arena_block {
    alignas(ARENA_ALIGN) struct arena_block *next;
    size_t n, cap; /* bytes used and usable behind the header */
};

/* More than any machine has: a length that went wrong, not a need. */
static const size_t arena_max = (size_t)1 << 38;

static_assert(sizeof(struct arena_block) % ARENA_ALIGN == 0, "data would be misaligned");

static struct arena_block *block_new(size_t bytes)
{
    struct arena_block *block = fault_calloc(1, bytes);
    if (block)
        block->cap = bytes - sizeof *block;
    return block;
}

static void *block_cut(struct arena_block *block, size_t n)
{
    assert(n <= block->cap - block->n);
    char *p = (char *)(block + 1) + block->n;
    block->n += n;
    return p;
}

static void *alloc_own_block(struct arena *a, size_t n)
{
    struct arena_block *block = block_new(sizeof *block + n);
    if (!block)
        return NULL;
    if (a->head) {
        block->next = a->head->next;
        a->head->next = block;
    } else {
        a->head = block;
    }
    return block_cut(block, n);
}

static void *alloc_new_head(struct arena *a, size_t n)
{
    size_t bytes = a->head ? (a->head->cap + sizeof *a->head) * 2 : ARENA_BLOCK_MIN;
    if (bytes > ARENA_BLOCK_MAX)
        bytes = ARENA_BLOCK_MAX;
    while (bytes < n + sizeof *a->head)
        bytes *= 2;
    struct arena_block *block = block_new(bytes);
    if (!block)
        return NULL;
    block->next = a->head;
    a->head = block;
    return block_cut(block, n);
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > arena_max)
        return NULL;
    size_t rounded = n ? (n + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN : ARENA_ALIGN;
    void *p;
    if (a->head && rounded <= a->head->cap - a->head->n)
        p = block_cut(a->head, rounded);
    else if (rounded > ARENA_OWN_BLOCK)
        p = alloc_own_block(a, rounded);
    else
        p = alloc_new_head(a, rounded);
    if (p)
        a->used_bytes += rounded;
    return p;
}

struct str arena_copy(struct arena *a, struct str s)
{
    char *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;
    if (!p)
        return str_make(NULL, 0);
    if (s.n)
        memcpy(p, s.p, s.n);
    return str_make(p, s.n);
}

struct optstr arena_copy_opt(struct arena *a, struct optstr s)
{
    if (!optstr_is_some(s))
        return optstr_none();
    struct str copy = arena_copy(a, str_make(s.p, s.n));
    return (struct optstr){copy.p, copy.n};
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    struct str s = {NULL, 0};
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    char *p = n >= 0 ? arena_alloc(a, (size_t)n + 1) : NULL;
    if (p) {
        vsnprintf(p, (size_t)n + 1, fmt, again);
        s = str_make(p, (size_t)n);
    }
    va_end(again);
    va_end(args);
    return s;
}

static void free_blocks(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

/* A block made for one huge allocation is not worth keeping. */
void arena_reset(struct arena *a)
{
    struct arena_block *keep = a->head;
    if (keep && keep->cap > ARENA_BLOCK_MAX) {
        arena_free(a);
        return;
    }
    if (keep) {
        free_blocks(TAKE(keep->next));
        memset(keep + 1, 0, keep->n);
        keep->n = 0;
    }
    a->used_bytes = 0;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    free_blocks(a->head);
    *a = (struct arena)ARENA_INIT;
}
