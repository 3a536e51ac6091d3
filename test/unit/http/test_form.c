/* http/form.c */
#include "http/form.h"

#include "test/unit/base/unit.h"

struct found {
    struct str encoded;
    int rc;
    struct str value;
};

#define FOUND(encoded, rc, value)                                                                  \
    {                                                                                              \
        STR_INIT(encoded), (rc), STR_INIT(value)                                                   \
    }

static const struct found cases[] = {
    FOUND("", 0, ""),
    FOUND("name=a", 1, "a"),
    FOUND("name=", 1, ""),
    FOUND("name", 1, ""),
    FOUND("x=1&name=a+b%20c&y", 1, "a b c"),
    FOUND("&&name=%C3%A4&", 1, "\xc3\xa4"),
    FOUND("n%61me=a%3Db%26", 1, "a=b&"),
    FOUND("name=a=b", 1, "a=b"),
    FOUND("Name=a&names=b", 0, ""),
    FOUND("name=%0a", 1, "\n"),
    FOUND("name=a&name=b", ERR_MALFORMED, ""),
    FOUND("name=a&n%61me=a", ERR_MALFORMED, ""),
    FOUND("name=%", ERR_MALFORMED, ""),
    FOUND("name=%4", ERR_MALFORMED, ""),
    FOUND("name=%4g", ERR_MALFORMED, ""),
    FOUND("name=%-1", ERR_MALFORMED, ""),
    FOUND("name=%00", ERR_MALFORMED, ""),
    FOUND("name=a\0b", ERR_MALFORMED, ""),
    FOUND("name=%ff", ERR_MALFORMED, ""),
    FOUND("name=%C3", ERR_MALFORMED, ""),
    FOUND("name=%ED%A0%80", ERR_MALFORMED, ""),
    FOUND("name=\xff", ERR_MALFORMED, ""),
    FOUND("%ff=a&name=b", ERR_MALFORMED, ""),
    FOUND("other=%ff&name=b", 1, "b"),
};

static void finds(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena a = ARENA_INIT;
        struct err e = ERR_INIT;
        struct str value = STR("untouched");
        int rc = form_find(&a, cases[i].encoded, STR("name"), &value, &e);
        if (rc != cases[i].rc)
            fail_msg("%.*s: %d, not %d", STR_ARG(cases[i].encoded), rc, cases[i].rc);
        assert_str(value, rc == 1 ? cases[i].value : STR("untouched"));
        assert_int_equal(e.code, rc < 0 ? rc : OK);
        arena_free(&a);
    }
}

static void path_keeps_the_plus(void **state)
{
    (void)state;
    struct arena a = ARENA_INIT;
    struct str out;
    assert_int_equal(percent_decode(&a, STR("a+b%2Fc"), false, &out, NULL), 0);
    assert_lit(out, "a+b/c");
    arena_free(&a);
}

static void encode_and_decode(void **state)
{
    (void)state;
    struct unit_random r = {.state = 99};
    for (int i = 0; i < 20000; i++) {
        char text[16];
        size_t n = unit_below(&r, sizeof text);
        for (size_t k = 0; k < n; k++)
            text[k] = (char)(1 + unit_below(&r, 127));
        struct buf b = BUF_INIT;
        struct arena a = ARENA_INIT;
        struct str out;
        percent_encode(&b, str_make(text, n));
        assert_int_equal(percent_decode(&a, buf_str(&b), true, &out, NULL), 0);
        assert_str(out, str_make(text, n));
        arena_free(&a);
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds),
        cmocka_unit_test(path_keeps_the_plus),
        cmocka_unit_test(encode_and_decode),
    };
    return cmocka_run_group_tests_name("form", tests, NULL, NULL);
}
