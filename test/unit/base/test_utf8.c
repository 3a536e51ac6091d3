/*
 * base/utf8.c against brute force: the well-formed sequences are exactly those
 * that an encoder makes from the code points, so they are all listed by
 * encoding every code point there is.
 */
#include <stdlib.h>

#include "test/unit/base/unit.h"

static bool is_scalar(uint32_t c)
{
    return c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

static size_t encode(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    out[0] = (char)((0xf0 << (4 - n)) | c);
    return n;
}

/* The first n bytes as one number, for use as an index. */
static size_t key_of(const char *p, size_t n)
{
    size_t key = 0;
    for (size_t i = 0; i < n; i++)
        key = key << 8 | (unsigned char)p[i];
    return key;
}

static void every_code_point_comes_back(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        if (!is_scalar(c))
            continue;
        char bytes[4];
        size_t n = encode(c, bytes), at = 0;
        struct str s = str_make(bytes, n);
        assert_int_equal(utf8_sequence(bytes, n), n);
        assert_true(utf8_valid(s));
        assert_int_equal(utf8_length(s), 1);
        assert_int_equal(utf8_next(s, &at), c);
        assert_int_equal(at, n);
        for (size_t cut = 1; cut < n; cut++)
            assert_int_equal(utf8_sequence(bytes, cut), 0);
    }
}

/* All 2^24 sequences of three bytes, which holds all of one and two. */
static void all_of_three_bytes(void **state)
{
    (void)state;
    enum { ALL = 1 << 24 };
    unsigned char *length = calloc(ALL, 1);
    assert_non_null(length);
    for (uint32_t c = 0; c <= 0xffff; c++) {
        if (!is_scalar(c))
            continue;
        char bytes[4];
        size_t n = encode(c, bytes), room = 8 * (3 - n);
        size_t first = key_of(bytes, n) << room;
        memset(length + first, (int)n, (size_t)1 << room);
    }
    for (size_t key = 0; key < ALL; key++) {
        const char bytes[] = {(char)(key >> 16), (char)(key >> 8), (char)key};
        if (utf8_sequence(bytes, 3) != length[key])
            fail_msg("%06zx: %zu, not %d", key, utf8_sequence(bytes, 3), length[key]);
    }
    free(length);
}

static bool is_encoding_of_four(const char bytes[4])
{
    uint32_t c = (bytes[0] & 7u) << 18 | (bytes[1] & 0x3fu) << 12 | (bytes[2] & 0x3fu) << 6 |
                 (bytes[3] & 0x3fu);
    char again[4];
    return c >= 0x10000 && is_scalar(c) && encode(c, again) == 4 && memcmp(again, bytes, 4) == 0;
}

static void four_bytes_at_the_edges(void **state)
{
    (void)state;
    static const unsigned char edges[] = {0x00, 0x7f, 0x80, 0x81, 0xbf, 0xc0, 0xff};
    for (unsigned head = 0; head < 0x1000; head++) {
        for (size_t i = 0; i < COUNT_OF(edges) * COUNT_OF(edges); i++) {
            char bytes[4] = {(char)(0xf0 | head >> 8), (char)head, (char)edges[i % COUNT_OF(edges)],
                             (char)edges[i / COUNT_OF(edges)]};
            size_t expected = is_encoding_of_four(bytes) ? 4 : 0;
            assert_int_equal(utf8_sequence(bytes, 4), expected);
        }
    }
}

/* Wherever in the string it is, one bad byte is found: the words of eight
 * must not step over it. */
static void a_bad_byte_anywhere_is_found(void **state)
{
    (void)state;
    static const char bad[] = {'\x80', '\xbf', '\xc0', '\xc1', '\xf5', '\xff', '\xe4'};
    for (size_t n = 1; n <= 40; n++) {
        for (size_t at = 0; at < n; at++) {
            char text[40];
            memset(text, 'a', sizeof text);
            assert_true(utf8_valid(str_make(text, n)));
            text[at] = bad[(n + at) % COUNT_OF(bad)];
            assert_false(utf8_valid(str_make(text, n)));
        }
    }
    assert_true(utf8_valid(str_make(NULL, 0)));
}

static void random_text_is_valid_and_counted(void **state)
{
    (void)state;
    struct unit_random r = {2463534242};
    for (int round = 0; round < 20000; round++) {
        char text[256];
        size_t n = 0, length = unit_below(&r, 60);
        uint32_t points[60];
        for (size_t i = 0; i < length; i++) {
            do {
                points[i] = (uint32_t)(unit_random(&r) % 0x110000) >> (unit_below(&r, 3) * 7);
            } while (!is_scalar(points[i]));
            n += encode(points[i], text + n);
        }
        struct str s = str_make(text, n);
        assert_true(utf8_valid(s));
        assert_int_equal(utf8_length(s), length);
        size_t at = 0;
        for (size_t i = 0; i < length; i++)
            assert_int_equal(utf8_next(s, &at), points[i]);
        assert_int_equal(at, n);
    }
}

static void next_steps_over_bad_bytes_one_by_one(void **state)
{
    (void)state;
    struct str s = STR("\xff\xe2\x82"
                       "a");
    size_t at = 0;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(utf8_next(s, &at), 0xfffd);
    assert_int_equal(utf8_next(s, &at), 'a');
    assert_int_equal(at, s.n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_comes_back),
        cmocka_unit_test(all_of_three_bytes),
        cmocka_unit_test(four_bytes_at_the_edges),
        cmocka_unit_test(a_bad_byte_anywhere_is_found),
        cmocka_unit_test(random_text_is_valid_and_counted),
        cmocka_unit_test(next_steps_over_bad_bytes_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
