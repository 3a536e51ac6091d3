/*
 * UTF-8, numbers and the other small readers of base/str.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "fuzz.h"
#include "oracle.h"

static void check_utf8(struct str in)
{
    size_t at = 0, right = 0, length = 0;
    struct buf again = BUF_INIT;
    while (right < in.n) {
        int32_t want = oracle_utf8_next(in, &right);
        FUZZ_CHECK(utf8_next(in, &at) == (want < 0 ? 0xfffd : (uint32_t)want) && at == right);
        if (want >= 0)
            oracle_utf8_add(&again, (uint32_t)want);
        length++;
    }
    bool valid = oracle_utf8_valid(in);
    FUZZ_CHECK(utf8_valid(in) == valid);
    if (valid) {
        FUZZ_CHECK(utf8_length(in) == length);
        FUZZ_SAME(buf_str(&again), in);
    }
    for (size_t i = 0; i <= in.n; i++)
        FUZZ_CHECK(utf8_valid(str_make(in.p + i, in.n - i)) ==
                   oracle_utf8_valid(str_make(in.p + i, in.n - i)));
    buf_free(&again);
}

static void check_number(struct str in, struct arena *a)
{
    const char *text = fuzz_cstr(a, in);
    uint64_t value = 77;
    char *end;
    errno = 0;
    unsigned long long right = strtoull(text, &end, 10);
    bool plain = in.n > 0 && end == text + in.n && oracle_is_digit(text[0]) && errno == 0 &&
                 (in.n == 1 || text[0] != '0');
    FUZZ_CHECK(str_to_u64(in, UINT64_MAX, &value) == plain && value == (plain ? right : 77));
    value = 77;
    FUZZ_CHECK(str_to_u64(in, 1000, &value) == (plain && right <= 1000));
    FUZZ_CHECK(value == (plain && right <= 1000 ? right : 77));
}

static void check_cuts(struct str in)
{
    struct buf again = BUF_INIT;
    struct str rest = in;
    FUZZ_SAME(str_trim(in), oracle_trim(in));
    for (bool first = true; rest.p; first = false) {
        if (!first)
            buf_char(&again, ',');
        struct str part = str_cut(&rest, ',');
        FUZZ_CHECK(str_index(part, ',') == part.n);
        FUZZ_CHECK(part.n == 0 || str_starts(part, str_make(part.p, part.n / 2)));
        FUZZ_CHECK(part.n == 0 ||
                   str_ends(part, str_make(part.p + part.n / 2, part.n - part.n / 2)));
        buf_add(&again, part);
    }
    FUZZ_SAME(buf_str(&again), in);
    buf_free(&again);
}

void fuzz_one(struct str in, struct arena *a)
{
    check_utf8(in);
    check_cuts(in);
    check_number(in, a);
    struct str rest = in, first = fuzz_line(&rest);
    FUZZ_CHECK(str_eq_nocase(first, rest) == oracle_same_nocase(first, rest));
}
