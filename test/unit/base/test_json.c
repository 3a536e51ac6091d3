/* base/json.c, read back by jansson. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/json.h"
#include "test/unit/base/unit.h"

static json_t *parse(const struct buf *b)
{
    json_error_t error;
    assert_true(buf_ok(b));
    json_t *v =
        json_loadb(b->p, b->n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!v)
        fail_msg("%s: %.*s", error.text, STR_ARG(buf_str(b)));
    return v;
}

static void check_string(struct str s, struct str expected)
{
    struct buf b = BUF_INIT;
    struct json j = json_to(&b);
    json_str(&j, s);
    json_t *v = parse(&b);
    assert_str(str_make(json_string_value(v), json_string_length(v)), expected);
    json_decref(v);
    buf_free(&b);
}

static void the_comma_is_put_in(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    struct json j = json_to(&b);
    json_object_begin(&j);
    json_key(&j, "a");
    json_array_begin(&j);
    json_i64(&j, INT64_MIN);
    json_u64(&j, UINT64_MAX);
    json_object_begin(&j);
    json_object_end(&j);
    json_array_begin(&j);
    json_array_end(&j);
    json_bool(&j, true);
    json_bool(&j, false);
    json_none(&j);
    json_array_end(&j);
    json_key(&j, "b");
    json_optstr(&j, optstr_none());
    json_key(&j, "c");
    json_optstr(&j, optstr_some(STR("")));
    json_key(&j, "d");
    json_raw(&j, STR("[1]"));
    json_object_end(&j);
    assert_lit(buf_str(&b), "{\"a\":[-9223372036854775808,18446744073709551615,{},[],true,false,"
                            "null],\"b\":null,\"c\":\"\",\"d\":[1]}");
    buf_free(&b);
}

static void escapes_are_the_short_ones(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    struct json j = json_to(&b);
    json_str(&j, STR("\"\\/\b\f\n\r\t\0\x1f\x7f<\xc3\xa4\xff"));
    assert_lit(buf_str(&b), "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f<\xc3\xa4\xef\xbf\xbd\"");
    buf_free(&b);
}

/* Every byte at every place of strings up to 40 bytes, so that it meets each
 * lane of the words as well as the bytes behind them. */
static void every_byte_at_every_place(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 40; n++) {
        for (size_t at = 0; at < n; at++) {
            for (int c = 0; c < 256; c++) {
                char text[40], expected[42];
                memset(text, '~', n);
                text[at] = (char)c;
                memcpy(expected, text, n);
                if (c >= 0x80) {
                    memcpy(expected + at, "\xef\xbf\xbd", 3);
                    memcpy(expected + at + 3, text + at + 1, n - at - 1);
                }
                check_string(str_make(text, n), str_make(expected, c >= 0x80 ? n + 2 : n));
            }
        }
    }
}

/* What s becomes by replacing each byte that begins no sequence. */
static struct str replaced(struct str s, struct buf *out)
{
    for (size_t at = 0; at < s.n;) {
        size_t n = utf8_sequence(s.p + at, s.n - at);
        buf_add(out, n ? str_sub(s, at, n) : STR("\xef\xbf\xbd"));
        at += n ? n : 1;
    }
    return buf_str(out);
}

static void random_bytes_come_back(void **state)
{
    (void)state;
    struct unit_random r = {4242};
    static const struct str alphabet[] = {STR_INIT("a"),
                                          STR_INIT("\""),
                                          STR_INIT("\\"),
                                          STR_INIT("\n"),
                                          STR_INIT("\0"),
                                          STR_INIT(" "),
                                          STR_INIT("\xff"),
                                          STR_INIT("\xc3\xa4"),
                                          STR_INIT("\xe2"),
                                          STR_INIT("\x82"),
                                          STR_INIT("\xf0\x9f\x8f\xa0")};
    for (int round = 0; round < 50000; round++) {
        char text[256];
        size_t n = 0, pieces = unit_below(&r, 60);
        for (size_t i = 0; i < pieces; i++) {
            struct str s = unit_below(&r, 3) ? STR("abc") : alphabet[unit_below(&r, 11)];
            memcpy(text + n, s.p, s.n);
            n += s.n;
        }
        struct buf expected = BUF_INIT;
        check_string(str_make(text, n), replaced(str_make(text, n), &expected));
        buf_free(&expected);
    }
}

static void check_double(double v)
{
    char bytes[64];
    struct buf b = BUF_FIXED(bytes);
    struct json j = json_to(&b);
    json_double(&j, v);
    json_t *parsed = parse(&b);
    assert_true(json_number_value(parsed) == v);
    json_decref(parsed);
}

static void doubles_come_back(void **state)
{
    (void)state;
    static const double known[] = {
        0,      1,       -1,      0.1,           1e22, 1e-7,
        5e-324, 1.5e300, 1.0 / 3, 123456789.125, 1e15, 9007199254740993.0};
    for (size_t i = 0; i < COUNT_OF(known); i++)
        check_double(known[i]);
    struct unit_random r = {99};
    for (int i = 0; i < 50000; i++) {
        uint64_t bits = unit_random(&r);
        double v;
        memcpy(&v, &bits, sizeof v);
        if (isfinite(v))
            check_double(v);
    }
}

static void doubles_are_short_and_finite(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    struct json j = json_to(&b);
    json_array_begin(&j);
    json_double(&j, 0.1);
    json_double(&j, 3);
    json_double(&j, (double)NAN);
    json_double(&j, (double)INFINITY);
    json_double(&j, (double)-INFINITY);
    json_array_end(&j);
    assert_lit(buf_str(&b), "[0.1,3,null,null,null]");
    buf_free(&b);
}

static void write_document(struct buf *b)
{
    struct json j = json_to(b);
    json_array_begin(&j);
    for (int i = 0; i < 200; i++) {
        json_object_begin(&j);
        json_key(&j, "name");
        json_str(&j, STR("text with \"quotes\" and \xff and \n lines"));
        json_key(&j, "number");
        json_i64(&j, i);
        json_object_end(&j);
    }
    json_array_end(&j);
}

static void a_sweep_of_failing_allocations(void **state)
{
    (void)state;
    int64_t n = 0, fired;
    do {
        struct buf b = BUF_INIT;
        fault_arm(FAULT_ALLOC, ++n, false);
        write_document(&b);
        fired = fault_fired(FAULT_ALLOC);
        fault_arm(FAULT_ALLOC, 0, false);
        assert_int_equal(buf_ok(&b), !fired);
        if (!fired)
            json_decref(parse(&b));
        buf_free(&b);
    } while (fired);
    assert_in_range(n, 5, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_comma_is_put_in),
        cmocka_unit_test(escapes_are_the_short_ones),
        cmocka_unit_test(every_byte_at_every_place),
        cmocka_unit_test(random_bytes_come_back),
        cmocka_unit_test(doubles_come_back),
        cmocka_unit_test(doubles_are_short_and_finite),
        cmocka_unit_test(a_sweep_of_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
