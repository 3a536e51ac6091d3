/*
 * What every unit test needs: cmocka with the headers it wants before it,
 * comparing strings, and random numbers that are the same in each run.
 */
#ifndef ROWHOUSE_TEST_UNIT_BASE_UNIT_H
#define ROWHOUSE_TEST_UNIT_BASE_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* Not assert_string_equal: the strings may contain NULs. */
#define assert_str(actual, expected)                                                               \
    do {                                                                                           \
        struct str actual_ = (actual), expected_ = (expected);                                     \
        if (!str_eq(actual_, expected_))                                                           \
            fail_msg("\"%.*s\" is not \"%.*s\"", STR_ARG(actual_), STR_ARG(expected_));            \
    } while (0)

#define assert_lit(actual, lit) assert_str((actual), STR(lit))

/* Marsaglia's xorshift64. */
struct unit_random {
    uint64_t state; /* not 0 */
};

static inline uint64_t unit_random(struct unit_random *r)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return r->state;
}

/* 0 .. below-1 */
static inline size_t unit_below(struct unit_random *r, size_t below)
{
    return (size_t)(unit_random(r) >> 11) % below;
}

#endif
