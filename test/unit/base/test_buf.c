/* base/buf.c */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/fault.h"
#include "test/unit/base/unit.h"

static void appending_keeps_everything(void **state)
{
    (void)state;
    struct unit_random r = {1};
    struct buf b = BUF_INIT;
    enum { TOTAL = 100000 };
    char *copy = malloc(TOTAL), piece[300];
    assert_non_null(copy);
    size_t n = 0;
    while (n + sizeof piece < TOTAL) {
        size_t length = unit_below(&r, sizeof piece);
        for (size_t i = 0; i < length; i++)
            piece[i] = (char)unit_random(&r);
        memcpy(copy + n, piece, length);
        n += length;
        buf_add(&b, str_make(piece, length));
    }
    assert_true(buf_ok(&b));
    assert_str(buf_str(&b), str_make(copy, n));
    free(copy);
    buf_free(&b);
}

static void an_empty_buffer_is_an_empty_string(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    assert_non_null(buf_str(&b).p);
    buf_add(&b, str_make(NULL, 0));
    assert_null(b.p);
    assert_string_equal(buf_cstr(&b), "");
    buf_free(&b);
    buf_free(&b);
    buf_free(NULL);
}

static void check_number(uint64_t v)
{
    char expected[64];
    char bytes[64];
    struct buf b = BUF_FIXED(bytes);
    buf_u64(&b, v);
    buf_char(&b, ' ');
    buf_i64(&b, (int64_t)v);
    int n = snprintf(expected, sizeof expected, "%" PRIu64 " %" PRId64, v, (int64_t)v);
    assert_str(buf_str(&b), str_make(expected, (size_t)n));
}

static void numbers_are_as_printf_writes_them(void **state)
{
    (void)state;
    struct unit_random r = {77};
    for (uint64_t power = 1; power; power = power > UINT64_MAX / 10 ? 0 : power * 10) {
        check_number(power - 1);
        check_number(power);
        check_number(0 - power);
    }
    for (uint64_t v = 0; v < 1100; v++)
        check_number(v);
    check_number(UINT64_MAX);
    check_number((uint64_t)INT64_MAX);
    check_number((uint64_t)INT64_MIN);
    for (int i = 0; i < 100000; i++)
        check_number(unit_random(&r) >> unit_below(&r, 64));
}

static void printf_grows(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    buf_printf(&b, "%s", "");
    buf_printf(&b, "%*d|", 5000, 7);
    assert_int_equal(b.n, 5001);
    assert_memory_equal(b.p + 4998, " 7|", 3);
    buf_free(&b);
}

static void reset_keeps_the_memory(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    buf_lit(&b, "abc");
    const char *before = b.p;
    b.failed = true;
    buf_reset(&b);
    assert_true(buf_ok(&b));
    buf_lit(&b, "xy");
    assert_ptr_equal(b.p, before);
    assert_string_equal(buf_cstr(&b), "xy");
    assert_int_equal(b.n, 2);
    buf_free(&b);
}

static void take_hands_over(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    buf_add(&b, STR("a\0b"));
    size_t n = 0;
    char *p = buf_take(&b, &n);
    assert_int_equal(n, 3);
    assert_memory_equal(p, "a\0b", 4);
    assert_null(b.p);
    free(p);
    p = buf_take(&b, NULL);
    assert_string_equal(p, "");
    free(p);
}

static void a_fixed_buffer_fails_instead_of_growing(void **state)
{
    (void)state;
    char bytes[4];
    struct buf b = BUF_FIXED(bytes);
    buf_lit(&b, "abcd");
    assert_true(buf_ok(&b));
    assert_ptr_equal(b.p, bytes);
    buf_char(&b, 'e');
    assert_false(buf_ok(&b));
    assert_lit(buf_str(&b), "abcd");
    assert_string_equal(buf_cstr(&b), "");
    assert_null(buf_take(&b, NULL));
    buf_free(&b);
}

static void a_failed_buffer_takes_nothing_more(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    buf_lit(&b, "abc");
    assert_false(buf_reserve(&b, SIZE_MAX));
    assert_false(buf_ok(&b));
    buf_lit(&b, "x");
    buf_u64(&b, 1);
    buf_printf(&b, "%d", 1);
    assert_lit(buf_str(&b), "abc");
    assert_null(buf_take(&b, NULL));
    assert_false(buf_reserve(&b, SIZE_MAX / 2));
    assert_false(buf_ok(&b));
    buf_free(&b);
}

/* Appends about 10 KB by all means there are. */
static void write_all(struct buf *b)
{
    for (int i = 0; i < 200; i++) {
        buf_lit(b, "some words ");
        buf_u64(b, (uint64_t)i << 40);
        buf_i64(b, -i);
        buf_printf(b, " %d %s\n", i, "and more");
        buf_char(b, '.');
    }
}

static void a_sweep_of_failing_allocations(void **state)
{
    (void)state;
    struct buf whole CLEANUP(buf_free) = BUF_INIT;
    write_all(&whole);
    assert_true(buf_ok(&whole));
    int64_t n = 0, fired;
    do {
        struct buf b = BUF_INIT;
        fault_arm(FAULT_ALLOC, ++n, false);
        write_all(&b);
        fired = fault_fired(FAULT_ALLOC);
        fault_arm(FAULT_ALLOC, 0, false);
        assert_int_equal(buf_ok(&b), !fired);
        assert_true(str_starts(buf_str(&whole), buf_str(&b)));
        buf_free(&b);
    } while (fired);
    assert_in_range(n, 5, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appending_keeps_everything),
        cmocka_unit_test(an_empty_buffer_is_an_empty_string),
        cmocka_unit_test(numbers_are_as_printf_writes_them),
        cmocka_unit_test(printf_grows),
        cmocka_unit_test(reset_keeps_the_memory),
        cmocka_unit_test(take_hands_over),
        cmocka_unit_test(a_fixed_buffer_fails_instead_of_growing),
        cmocka_unit_test(a_failed_buffer_takes_nothing_more),
        cmocka_unit_test(a_sweep_of_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
