/*
 * Growing buffers. They double, so that appending is linear overall; a failed
 * allocation leaves the content as it was and sets `failed`.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/fault.h"

enum { BUF_FIRST = 128 };

/* More than any machine has: a length that went wrong, not a need. */
static const size_t buf_max = (size_t)1 << 38;

void freep(void *pointer_to_pointer)
{
    void *p;
    memcpy(&p, pointer_to_pointer, sizeof p);
    free(p);
}

void buf_free(struct buf *b)
{
    if (!b)
        return;
    if (!b->fixed)
        free(b->p);
    *b = (struct buf)BUF_INIT;
}

void buf_reset(struct buf *b)
{
    b->n = 0;
    b->failed = false;
}

/* A size of at least `need`, or 0 where there is none. */
static size_t grown(size_t cap, size_t need)
{
    if (need > buf_max)
        return 0;
    size_t size = cap ? cap : BUF_FIRST;
    while (size < need)
        size *= 2;
    return size;
}

bool buf_reserve(struct buf *b, size_t n)
{
    if (b->failed)
        return false;
    if (b->p && n <= b->cap - b->n)
        return true;
    size_t size = n <= SIZE_MAX - b->n ? grown(b->cap, b->n + n) : 0;
    char *p = size && !b->fixed ? fault_realloc(b->p, size) : NULL;
    if (!p) {
        b->failed = true;
        return false;
    }
    b->p = p;
    b->cap = size;
    return true;
}

void buf_grow_and_add(struct buf *b, const char *p, size_t n)
{
    if (n == 0 || !buf_reserve(b, n))
        return;
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

static const char two_digits[] =
    "00010203040506070809101112131415161718192021222324252627282930313233"
    "34353637383940414243444546474849505152535455565758596061626364656667"
    "68697071727374757677787980818283848586878889909192939495969798"
    "99";

static size_t count_digits(uint64_t v)
{
    size_t n = 1;
    for (; v >= 10000; v /= 10000)
        n += 4;
    return n + (v >= 10) + (v >= 100) + (v >= 1000);
}

/* Writes backwards from `end`. */
static void put_digits_before(char *end, uint64_t v)
{
    while (v >= 100) {
        end -= 2;
        memcpy(end, two_digits + v % 100 * 2, 2);
        v /= 100;
    }
    if (v >= 10) {
        end -= 2;
        memcpy(end, two_digits + v * 2, 2);
    } else {
        end[-1] = (char)('0' + v);
    }
}

void buf_u64(struct buf *b, uint64_t v)
{
    size_t n = count_digits(v);
    if (!buf_reserve(b, n))
        return;
    b->n += n;
    put_digits_before(b->p + b->n, v);
}

void buf_i64(struct buf *b, int64_t v)
{
    uint64_t magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    if (!buf_reserve(b, count_digits(magnitude) + (v < 0)))
        return;
    if (v < 0)
        b->p[b->n++] = '-';
    buf_u64(b, magnitude);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    if (n < 0) {
        b->failed = true;
    } else if (buf_reserve(b, (size_t)n + 1)) {
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

const char *buf_cstr(struct buf *b)
{
    if (!buf_reserve(b, 1))
        return "";
    b->p[b->n] = '\0';
    return b->p;
}

char *buf_take(struct buf *b, size_t *ret_n)
{
    size_t n = b->n;
    if (b->fixed || !buf_reserve(b, 1)) {
        buf_free(b);
        return NULL;
    }
    b->p[n] = '\0';
    char *p = TAKE(b->p);
    buf_free(b);
    if (ret_n)
        *ret_n = n;
    return p;
}
