/* http/cursor.c */
#include "http/cursor.h"

#include <sodium.h>

#include "test/unit/base/unit.h"

static uint8_t secret[32] = {1, 2, 3};

static struct cursor_scope scope(void)
{
    return (struct cursor_scope){
        .secret = secret, .tenant = STR("acme"), .route = STR("/api/items"), .binding = STR("q")};
}

static int read_back(const struct cursor_scope *s, struct str cursor, struct arena *a)
{
    struct str position = STR("untouched");
    struct err e = ERR_INIT;
    int rc = cursor_read(s, cursor, a, &position, &e);
    assert_str(position, rc == 0 ? STR("here\0\xff") : STR("untouched"));
    return rc;
}

static void round_trip(void **state)
{
    (void)state;
    struct arena a = ARENA_INIT;
    struct cursor_scope s = scope();
    assert_int_equal(read_back(&s, cursor_make(&s, STR("here\0\xff"), &a), &a), 0);
    struct str empty, out;
    empty = cursor_make(&s, STR(""), &a);
    assert_int_equal(cursor_read(&s, empty, &a, &out, NULL), 0);
    assert_lit(out, "");
    static const char longest[CURSOR_POSITION_MAX + 1] = "x";
    assert_non_null(cursor_make(&s, str_make(longest, CURSOR_POSITION_MAX), &a).p);
    assert_null(cursor_make(&s, str_make(longest, CURSOR_POSITION_MAX + 1), &a).p);
    arena_free(&a);
}

static void foreign_is_refused(void **state)
{
    (void)state;
    struct arena a = ARENA_INIT;
    struct cursor_scope mine = scope(), other = scope();
    struct str cursor = cursor_make(&mine, STR("here\0\xff"), &a);
    uint8_t other_secret[32] = {1, 2, 4};
    other.tenant = STR("acm");
    assert_int_equal(read_back(&other, cursor, &a), ERR_MALFORMED);
    /* the same bytes, divided otherwise */
    other.route = STR("e/api/items");
    assert_int_equal(read_back(&other, cursor, &a), ERR_MALFORMED);
    other = scope();
    other.route = STR("/api/tenants");
    assert_int_equal(read_back(&other, cursor, &a), ERR_MALFORMED);
    other = scope();
    other.binding = STR("");
    assert_int_equal(read_back(&other, cursor, &a), ERR_MALFORMED);
    other = scope();
    other.secret = other_secret;
    assert_int_equal(read_back(&other, cursor, &a), ERR_MALFORMED);
    arena_free(&a);
}

static void forged_is_refused(void **state)
{
    (void)state;
    struct arena a = ARENA_INIT;
    struct cursor_scope s = scope();
    struct str cursor = cursor_make(&s, STR("here\0\xff"), &a);
    for (size_t i = 0; i < cursor.n; i++) {
        for (unsigned bit = 1; bit < 256; bit <<= 1) {
            char copy[64];
            assert_true(cursor.n < sizeof copy);
            memcpy(copy, cursor.p, cursor.n);
            copy[i] = (char)(copy[i] ^ (char)bit);
            assert_int_equal(read_back(&s, str_make(copy, cursor.n), &a), ERR_MALFORMED);
        }
        assert_int_equal(read_back(&s, str_sub(cursor, 0, i), &a), ERR_MALFORMED);
        assert_int_equal(read_back(&s, str_sub(cursor, i + 1, cursor.n), &a), ERR_MALFORMED);
    }
    static char longest[4096];
    memset(longest, 'A', sizeof longest);
    assert_int_equal(read_back(&s, str_make(longest, sizeof longest), &a), ERR_MALFORMED);
    assert_int_equal(read_back(&s, STR(""), &a), ERR_MALFORMED);
    assert_int_equal(read_back(&s, STR("\0"), &a), ERR_MALFORMED);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(foreign_is_refused),
        cmocka_unit_test(forged_is_refused),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests_name("cursor", tests, NULL, NULL);
}
