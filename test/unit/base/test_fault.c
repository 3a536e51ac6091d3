/* base/fault.c */
#include "base/fault.h"
#include "test/unit/base/unit.h"

static void nothing_fires_unless_armed(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_false(fault_hit(FAULT_ALLOC));
    assert_int_equal(fault_fired(FAULT_ALLOC), 0);
}

static void the_nth_call_fails_once(void **state)
{
    (void)state;
    for (int n = 1; n < 20; n++) {
        fault_arm(FAULT_ALLOC, n, false);
        for (int i = 1; i < 40; i++)
            assert_int_equal(fault_hit(FAULT_ALLOC), i == n);
        assert_int_equal(fault_fired(FAULT_ALLOC), 1);
    }
    fault_arm(FAULT_ALLOC, 0, false);
    assert_int_equal(fault_armed_, 0);
}

static void with_repeat_all_after_it_fail(void **state)
{
    (void)state;
    fault_arm(FAULT_IO, 3, true);
    for (int i = 1; i <= 10; i++)
        assert_int_equal(fault_hit(FAULT_IO), i >= 3);
    assert_int_equal(fault_fired(FAULT_IO), 8);
    fault_arm(FAULT_IO, 0, false);
    assert_false(fault_hit(FAULT_IO));
    assert_int_equal(fault_armed_, 0);
}

static void kinds_count_apart(void **state)
{
    (void)state;
    fault_arm(FAULT_ALLOC, 1, false);
    fault_arm(FAULT_IO, 2, false);
    assert_false(fault_hit(FAULT_IO));
    assert_true(fault_hit(FAULT_ALLOC));
    assert_true(fault_hit(FAULT_IO));
    assert_int_equal(fault_armed_, 0);
}

static void arming_again_starts_over(void **state)
{
    (void)state;
    fault_arm(FAULT_ALLOC, 5, true);
    fault_arm(FAULT_ALLOC, 1, false);
    assert_int_equal(fault_armed_, 1);
    assert_true(fault_hit(FAULT_ALLOC));
    assert_false(fault_hit(FAULT_ALLOC));
    assert_int_equal(fault_armed_, 0);
}

static void the_allocator_is_a_point(void **state)
{
    (void)state;
    fault_arm(FAULT_ALLOC, 1, true);
    assert_null(fault_malloc(1));
    assert_null(fault_calloc(1, 1));
    assert_null(fault_realloc(NULL, 1));
    assert_int_equal(fault_fired(FAULT_ALLOC), 3);
    fault_arm(FAULT_ALLOC, 0, false);
    void *p = fault_malloc(1);
    assert_non_null(p);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_fires_unless_armed),    cmocka_unit_test(the_nth_call_fails_once),
        cmocka_unit_test(with_repeat_all_after_it_fail), cmocka_unit_test(kinds_count_apart),
        cmocka_unit_test(arming_again_starts_over),      cmocka_unit_test(the_allocator_is_a_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
