/* base/str.c */
#include <inttypes.h>
#include <stdio.h>

#include "test/unit/base/unit.h"

static void eq_nocase_folds_ascii_only(void **state)
{
    (void)state;
    assert_true(str_eq_nocase(STR("X-Tenant"), STR("x-tENANT")));
    assert_true(str_eq_nocase(STR(""), STR("")));
    assert_false(str_eq_nocase(STR("a"), STR("ab")));
    assert_false(str_eq_nocase(STR("@"), STR("`")));
    assert_false(str_eq_nocase(STR("["), STR("{")));
    assert_false(str_eq_nocase(STR("\xc3\x84"), STR("\xc3\xa4")));
}

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

static void cmp_orders_by_bytes(void **state)
{
    (void)state;
    static const struct str sorted[] = {STR_INIT(""),     STR_INIT("\0"),   STR_INIT("a"),
                                        STR_INIT("aa"),   STR_INIT("ab"),   STR_INIT("b"),
                                        STR_INIT("\x7f"), STR_INIT("\x80"), STR_INIT("\xff")};
    for (size_t i = 0; i < COUNT_OF(sorted); i++) {
        for (size_t k = 0; k < COUNT_OF(sorted); k++) {
            assert_int_equal(sign(str_cmp(sorted[i], sorted[k])), (i > k) - (i < k));
            assert_int_equal(str_eq(sorted[i], sorted[k]), i == k);
        }
    }
    assert_int_equal(str_cmp(str_make(NULL, 0), STR("")), 0);
    assert_true(str_eq(str_make(NULL, 0), STR("")));
}

static void starts_and_ends(void **state)
{
    (void)state;
    assert_true(str_starts(STR("tenant.db"), STR("tenant")));
    assert_true(str_starts(STR("x"), STR("")));
    assert_false(str_starts(STR("ten"), STR("tenant")));
    assert_true(str_ends(STR("tenant.db"), STR(".db")));
    assert_true(str_ends(str_make(NULL, 0), STR("")));
    assert_false(str_ends(STR("db"), STR(".db")));
    assert_false(str_ends(STR("tenant.dc"), STR(".db")));
}

static void index_finds_the_first(void **state)
{
    (void)state;
    assert_int_equal(str_index(STR("a=b=c"), '='), 1);
    assert_int_equal(str_index(STR("abc"), '='), 3);
    assert_int_equal(str_index(STR("ab\0c"), '\0'), 2);
    assert_int_equal(str_index(str_make(NULL, 0), 'x'), 0);
}

static void trim_takes_space_and_tab(void **state)
{
    (void)state;
    assert_lit(str_trim(STR(" \t a b\t ")), "a b");
    assert_lit(str_trim(STR(" \t ")), "");
    assert_lit(str_trim(STR("\na\n")), "\na\n");
    assert_lit(str_trim(str_make(NULL, 0)), "");
}

static void cut_visits_every_part(void **state)
{
    (void)state;
    static const struct str parts[] = {STR_INIT("a"), STR_INIT(""), STR_INIT("bc"), STR_INIT("")};
    struct str rest = STR("a,,bc,");
    size_t n = 0;
    while (rest.p) {
        assert_in_range(n, 0, COUNT_OF(parts) - 1);
        assert_str(str_cut(&rest, ','), parts[n++]);
    }
    assert_int_equal(n, COUNT_OF(parts));

    rest = STR("");
    assert_lit(str_cut(&rest, ','), "");
    assert_null(rest.p);
}

static void sub_is_clamped(void **state)
{
    (void)state;
    assert_lit(str_sub(STR("abcdef"), 2, 3), "cde");
    assert_lit(str_sub(STR("abc"), 2, SIZE_MAX), "c");
    assert_lit(str_sub(STR("abc"), 3, 1), "");
    assert_lit(str_sub(STR("abc"), SIZE_MAX, SIZE_MAX), "");
    assert_null(str_sub(str_make(NULL, 0), 5, 5).p);
}

static void numbers_are_read(void **state)
{
    (void)state;
    struct unit_random r = {88172645463325252};
    for (int i = 0; i < 100000; i++) {
        uint64_t v = unit_random(&r) >> unit_below(&r, 64), max = v + (i % 2), got = 1;
        char text[24];
        struct str s = str_make(text, (size_t)snprintf(text, sizeof text, "%" PRIu64, v));
        if (max < v)
            max = v;
        assert_true(str_to_u64(s, max, &got));
        assert_int_equal(got, v);
        if (v > 0)
            assert_false(str_to_u64(s, v - 1, &got));
    }
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    static const struct str bad[] = {STR_INIT(""),
                                     STR_INIT("-1"),
                                     STR_INIT("+1"),
                                     STR_INIT(" 1"),
                                     STR_INIT("1 "),
                                     STR_INIT("01"),
                                     STR_INIT("00"),
                                     STR_INIT("0x1"),
                                     STR_INIT("1e3"),
                                     STR_INIT("1.0"),
                                     STR_INIT("1\0"),
                                     STR_INIT("18446744073709551616"),
                                     STR_INIT("99999999999999999999999999"),
                                     STR_INIT("/"),
                                     STR_INIT(":")};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        uint64_t untouched = 42;
        if (str_to_u64(bad[i], UINT64_MAX, &untouched))
            fail_msg("\"%.*s\" was read", STR_ARG(bad[i]));
        assert_int_equal(untouched, 42);
    }
    uint64_t v = 1;
    assert_true(str_to_u64(STR("0"), 0, &v));
    assert_int_equal(v, 0);
    assert_true(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &v));
    assert_true(v == UINT64_MAX);
}

static void nothing_differs_from_empty(void **state)
{
    (void)state;
    assert_false(optstr_is_some(optstr_none()));
    assert_true(optstr_is_some(optstr_some(STR(""))));
    assert_true(optstr_is_some(optstr_some(str_make(NULL, 0))));
    assert_lit(optstr_or(optstr_none(), STR("other")), "other");
    assert_lit(optstr_or(optstr_some(STR("")), STR("other")), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eq_nocase_folds_ascii_only),
        cmocka_unit_test(cmp_orders_by_bytes),
        cmocka_unit_test(starts_and_ends),
        cmocka_unit_test(index_finds_the_first),
        cmocka_unit_test(trim_takes_space_and_tab),
        cmocka_unit_test(cut_visits_every_part),
        cmocka_unit_test(sub_is_clamped),
        cmocka_unit_test(numbers_are_read),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(nothing_differs_from_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
