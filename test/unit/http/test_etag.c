/* http/etag.c */
#include "http/etag.h"

#include <sodium.h>

#include "test/unit/http/head_fixture.h"

struct compared {
    const char *lines;
    bool weak;
    enum etag_match match; /* of "a" */
};

static const struct compared cases[] = {
    {"", false, ETAG_NO_FIELD},
    {"T: \"a\"", false, ETAG_MATCH},
    {"T: \"a\"", true, ETAG_MATCH},
    {"T: \"b\"", false, ETAG_NO_MATCH},
    {"T: \"A\"", false, ETAG_NO_MATCH},
    {"T: *", false, ETAG_MATCH},
    {"T: *, \"b\"", false, ETAG_NO_MATCH},
    {"T: W/\"a\"", false, ETAG_NO_MATCH},
    {"T: W/\"a\"", true, ETAG_MATCH},
    {"T: w/\"a\"", true, ETAG_NO_MATCH},
    {"T: \"b\", \"a\"", false, ETAG_MATCH},
    {"T: \"b,\" ,W/\"c\",\t\"a\"", false, ETAG_MATCH},
    {"T: , ,\"a\",", false, ETAG_MATCH},
    {"T: \"b\"\nT: \"a\"", false, ETAG_MATCH},
    {"T: a", false, ETAG_NO_MATCH},
    {"T: \"a", false, ETAG_NO_MATCH},
    {"T: \"b\"x, \"a\"", false, ETAG_NO_MATCH},
    {"T: \"b\" \"a\"", false, ETAG_NO_MATCH},
    {"T:", false, ETAG_NO_MATCH},
    {"T: \"", false, ETAG_NO_MATCH},
};

static void compares(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct head_fixture f;
        const struct head *h = head_make(&f, "GET", "/", cases[i].lines);
        enum etag_match m = etag_compare(h, STR("T"), STR("\"a\""), cases[i].weak);
        if (m != cases[i].match)
            fail_msg("%s: %d", cases[i].lines, (int)m);
    }
}

static void nothing_matches_what_is_not_there(void **state)
{
    (void)state;
    struct head_fixture f;
    assert_int_equal(etag_compare(head_make(&f, "GET", "/", "T: *"), STR("T"), STR(""), true),
                     ETAG_NO_MATCH);
    assert_int_equal(etag_compare(head_make(&f, "GET", "/", "T: ,"), STR("T"), STR(""), true),
                     ETAG_NO_MATCH);
    assert_int_equal(etag_compare(head_make(&f, "GET", "/", ""), STR("T"), STR(""), true),
                     ETAG_NO_FIELD);
}

static void tags_tell_the_parts_apart(void **state)
{
    (void)state;
    struct arena a = ARENA_INIT;
    const struct str one[] = {STR("ab"), STR("c")}, other[] = {STR("a"), STR("bc")},
                     joined[] = {STR("abc")};
    struct str tag = etag_of(&a, one, 2);
    assert_int_equal(tag.n, 24);
    assert_true(tag.p[0] == '"' && tag.p[23] == '"');
    assert_str(tag, etag_of(&a, one, 2));
    assert_false(str_eq(tag, etag_of(&a, other, 2)));
    assert_false(str_eq(tag, etag_of(&a, joined, 1)));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares),
        cmocka_unit_test(nothing_matches_what_is_not_there),
        cmocka_unit_test(tags_tell_the_parts_apart),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests_name("etag", tests, NULL, NULL);
}
