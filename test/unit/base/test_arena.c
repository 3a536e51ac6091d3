/* base/arena.c */
#include "base/buf.h"
#include "base/fault.h"
#include "test/unit/base/unit.h"

static bool all_bytes_are(const unsigned char *p, size_t n, unsigned char value)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != value)
            return false;
    }
    return true;
}

enum { PIECES = 500 };

struct piece {
    unsigned char *p;
    size_t n;
};

/* Allocates pieces of all sizes, each filled with a value of its own. */
static void fill(struct arena *a, struct unit_random *r, struct piece pieces[PIECES])
{
    for (size_t i = 0; i < PIECES; i++) {
        size_t n = unit_below(r, i % 50 == 0 ? 100000 : i % 10 == 0 ? 5000 : 200);
        unsigned char *p = arena_alloc(a, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_true(all_bytes_are(p, n, 0));
        memset(p, (int)(i % 255) + 1, n);
        pieces[i] = (struct piece){p, n};
    }
}

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct unit_random r = {12345};
    struct arena a = ARENA_INIT;
    static struct piece pieces[PIECES];
    for (int round = 0; round < 20; round++) {
        size_t total = 0;
        fill(&a, &r, pieces);
        for (size_t i = 0; i < PIECES; i++) {
            total += pieces[i].n;
            assert_true(all_bytes_are(pieces[i].p, pieces[i].n, (unsigned char)(i % 255 + 1)));
        }
        assert_in_range(a.used_bytes, total, total + (size_t)PIECES * 16);
        arena_reset(&a);
        assert_int_equal(a.used_bytes, 0);
    }
    arena_free(&a);
    assert_null(a.head);
}

static void reset_reuses_a_block(void **state)
{
    (void)state;
    struct arena a = ARENA_INIT;
    fault_arm(FAULT_ALLOC, 2, true);
    for (int i = 0; i < 1000; i++) {
        assert_non_null(arena_alloc(&a, 1000));
        assert_non_null(arena_alloc(&a, 2000));
        arena_reset(&a);
    }
    assert_int_equal(fault_fired(FAULT_ALLOC), 0);
    fault_arm(FAULT_ALLOC, 0, false);
    arena_free(&a);
}

static void a_huge_block_is_not_kept(void **state)
{
    (void)state;
    struct arena a = ARENA_INIT;
    assert_non_null(arena_alloc(&a, 1 << 20));
    arena_reset(&a);
    assert_null(a.head);
    arena_free(&a);
    arena_free(NULL);
}

static void no_byte_and_too_many(void **state)
{
    (void)state;
    struct arena a = ARENA_INIT;
    char *one = arena_alloc(&a, 0), *two = arena_alloc(&a, 0);
    assert_non_null(one);
    assert_ptr_not_equal(one, two);
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX / 2));
    assert_null(arena_copy(&a, str_make("", SIZE_MAX)).p);
    arena_free(&a);
}

static void copies_end_in_nul(void **state)
{
    (void)state;
    struct arena a = ARENA_INIT;
    struct str copy = arena_copy(&a, STR("a\0b"));
    assert_lit(copy, "a\0b");
    assert_int_equal(copy.p[copy.n], '\0');
    assert_lit(arena_copy(&a, str_make(NULL, 0)), "");
    assert_false(optstr_is_some(arena_copy_opt(&a, optstr_none())));
    struct optstr some = arena_copy_opt(&a, optstr_some(STR("")));
    assert_true(optstr_is_some(some));
    assert_lit(arena_printf(&a, "%d-%s", 7, "x"), "7-x");
    assert_int_equal(arena_printf(&a, "%*d", 70000, 1).n, 70000);
    arena_free(&a);
}

/* Uses every way to allocate; false where one of them said that memory is out. */
static bool use_all(struct arena *a)
{
    bool ok = true;
    for (int i = 0; i < 20; i++) {
        ok &= arena_alloc(a, 1500) != NULL;
        ok &= arena_copy(a, STR("text")).p != NULL;
        ok &= optstr_is_some(arena_copy_opt(a, optstr_some(STR("text"))));
        ok &= arena_printf(a, "%d", i).p != NULL;
        ok &= i % 5 != 0 || arena_alloc(a, 40000) != NULL;
    }
    return ok;
}

static void a_sweep_of_failing_allocations(void **state)
{
    (void)state;
    int64_t n = 0, fired;
    do {
        struct arena a = ARENA_INIT;
        n++;
        fault_arm(FAULT_ALLOC, n, n % 2);
        bool ok = use_all(&a);
        fired = fault_fired(FAULT_ALLOC);
        fault_arm(FAULT_ALLOC, 0, false);
        assert_int_equal(ok, !fired);
        assert_true(use_all(&a));
        arena_free(&a);
    } while (fired);
    assert_in_range(n, 6, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(reset_reuses_a_block),
        cmocka_unit_test(a_huge_block_is_not_kept),
        cmocka_unit_test(no_byte_and_too_many),
        cmocka_unit_test(copies_end_in_nul),
        cmocka_unit_test(a_sweep_of_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
