/* base/html.c: what generated templates stand on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fault.h"
#include "base/html.h"

#define COUNT_OF(a) (sizeof(a) / sizeof(*(a)))

struct pair {
    struct str in, out;
};

/* What `escape` makes of each string, also in the middle of others. */
static void check_pairs(void (*escape)(struct buf *, struct str), const struct pair *pairs,
                        size_t n)
{
    struct buf b = BUF_INIT;

    for (size_t i = 0; i < n; i++) {
        buf_reset(&b);
        buf_lit(&b, "[");
        escape(&b, pairs[i].in);
        buf_lit(&b, "]");
        assert_int_equal(b.n, pairs[i].out.n + 2);
        assert_memory_equal(b.p + 1, pairs[i].out.p, pairs[i].out.n);
    }
    buf_free(&b);
}

static void html_escapes_five_characters_and_nul(void **state)
{
    static const struct pair PAIRS[] = {
        {STR_INIT(""), STR_INIT("")},
        {STR_INIT("plain"), STR_INIT("plain")},
        {STR_INIT("<"), STR_INIT("&lt;")},
        {STR_INIT("a<b"), STR_INIT("a&lt;b")},
        {STR_INIT("&<>\"'"), STR_INIT("&amp;&lt;&gt;&#34;&#39;")},
        {STR_INIT("&amp;"), STR_INIT("&amp;amp;")},
        {STR_INIT("\0x\0"), STR_INIT("\xef\xbf\xbdx\xef\xbf\xbd")},
        {STR_INIT("\xc3\xa9\xff`=/\n"), STR_INIT("\xc3\xa9\xff`=/\n")},
    };

    (void)state;
    check_pairs(html_escape, PAIRS, COUNT_OF(PAIRS));
}

static void every_other_byte_stays(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    for (unsigned c = 1; c < 256; c++) {
        char byte = (char)c;
        buf_reset(&b);
        html_escape(&b, str_make(&byte, 1));
        if (strchr("&<>\"'", (int)c))
            assert_true(b.n > 1 && b.p[0] == '&' && b.p[b.n - 1] == ';');
        else
            assert_true(b.n == 1 && b.p[0] == byte);
    }
    buf_free(&b);
}

static void json_strings_hold_no_markup(void **state)
{
    static const struct pair PAIRS[] = {
        {STR_INIT(""), STR_INIT("\"\"")},
        {STR_INIT("a\"b\\c"), STR_INIT("\"a\\\"b\\\\c\"")},
        {STR_INIT("</script><!--&"), STR_INIT("\"\\u003c/script\\u003e\\u003c!--\\u0026\"")},
        {STR_INIT("\0\x1f\n\x7f\xc3\xa9"), STR_INIT("\"\\u0000\\u001f\\u000a\x7f\xc3\xa9\"")},
    };

    (void)state;
    check_pairs(html_json_string, PAIRS, COUNT_OF(PAIRS));
}

static void json_text_keeps_its_structure(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    html_json_text(&b, (struct json_text){STR("{\"a\":[\"</b>&\",1,\"\\\"\"]}")});
    assert_true(str_eq(buf_str(&b), STR("{\"a\":[\"\\u003c/b\\u003e\\u0026\",1,\"\\\"\"]}")));
    buf_free(&b);
}

static void urls_are_percent_encoded(void **state)
{
    static const struct pair PAIRS[] = {
        {STR_INIT(""), STR_INIT("")},
        {STR_INIT("AZaz09-._~"), STR_INIT("AZaz09-._~")},
        {STR_INIT("a b/c?d#e&f=g%h:i+j"), STR_INIT("a%20b%2Fc%3Fd%23e%26f%3Dg%25h%3Ai%2Bj")},
        {STR_INIT("\0\xff\xc3\xa9"), STR_INIT("%00%FF%C3%A9")},
        {STR_INIT("."), STR_INIT(".")},
    };

    (void)state;
    check_pairs(url_encode, PAIRS, COUNT_OF(PAIRS));
}

static void dot_segments_cannot_climb(void **state)
{
    static const struct pair SEGMENTS[] = {
        {STR_INIT("."), STR_INIT("%252E")},   {STR_INIT(".."), STR_INIT("%252E%252E")},
        {STR_INIT("..."), STR_INIT("...")},   {STR_INIT(".a"), STR_INIT(".a")},
        {STR_INIT("../"), STR_INIT("..%2F")}, {STR_INIT(""), STR_INIT("")},
    };
    static const struct pair FIRST[] = {
        {STR_INIT(""), STR_INIT(".")},
        {STR_INIT(".."), STR_INIT("%252E%252E")},
        {STR_INIT("a/b"), STR_INIT("a%2Fb")},
    };

    (void)state;
    check_pairs(url_encode_segment, SEGMENTS, COUNT_OF(SEGMENTS));
    check_pairs(url_encode_first, FIRST, COUNT_OF(FIRST));
}

static void assert_url(struct url u, const char *want)
{
    assert_int_equal(u.s.n, strlen(want));
    assert_memory_equal(u.s.p, want, u.s.n);
}

static void paths_are_built_of_segments(void **state)
{
    struct arena a = ARENA_INIT;

    (void)state;
    assert_url(url_path(&a, STR("tenant"), STR("acme"), STR("items")), "/tenant/acme/items");
    assert_url(url_path(&a, STR("a/b"), STR("\xc3\xa9 ?")), "/a%2Fb/%C3%A9%20%3F");
    assert_url(url_path(&a, STR("tenant"), STR(".."), STR("")), "/tenant/%252E%252E/");
    assert_url(url_path(&a, STR(""), STR("evil.example")), "/./evil.example");
    assert_url(url_path_parts(&a, NULL, 0), "/");
    arena_free(&a);
}

static void queries_are_added_before_the_fragment(void **state)
{
    struct arena a = ARENA_INIT;
    struct url u = url_literal("/items");

    (void)state;
    u = url_query_add(&a, u, STR("cursor"), STR("a+b/c=="));
    assert_url(u, "/items?cursor=a%2Bb%2Fc%3D%3D");
    u = url_query_add(&a, u, STR("li&mit"), STR(""));
    assert_url(u, "/items?cursor=a%2Bb%2Fc%3D%3D&li%26mit=");
    assert_url(url_query_add(&a, url_literal("/x#y?z"), STR("k"), STR("v")), "/x?k=v#y?z");
    assert_url(url_query_add(&a, url_literal("/x?#"), STR("k"), STR("v")), "/x?&k=v#");
    arena_free(&a);
}

/* Memory is out at each allocation in turn: the URL is whole or empty. */
static void urls_survive_every_failing_allocation(void **state)
{
    int64_t fired = 1;

    (void)state;
    for (int64_t n = 1; fired > 0; n++) {
        struct arena a = ARENA_INIT;
        struct url u;
        assert_true(n < 100);
        fault_arm(FAULT_ALLOC, n, false);
        u = url_path(&a, STR("tenant"), STR("acme"));
        fired = fault_fired(FAULT_ALLOC);
        fault_arm(FAULT_ALLOC, 0, false);
        assert_non_null(u.s.p);
        assert_url(u, fired ? "" : "/tenant/acme");
        arena_free(&a);
    }
}

/* Each macro chooses by type; the escapes differ, so the outputs do. */
static void macros_choose_by_type(void **state)
{
    struct buf b = BUF_INIT;
    const struct str s = STR("<&\"");
    const struct html h = {STR("<i>")};
    const struct url u = url_literal("/?a&b");
    const unsigned short small = 7;

    (void)state;
    html_text(&b, s);
    html_text(&b, h);
    html_text(&b, u);
    html_text(&b, small);
    html_attr(&b, -1LL);
    html_rcdata(&b, UINT64_MAX);
    html_url(&b, u);
    html_url_path(&b, s);
    html_url_first(&b, s);
    html_url_query(&b, s);
    html_json(&b, s);
    assert_true(str_eq(buf_str(&b), STR("&lt;&amp;&#34;<i>/?a&amp;b7-118446744073709551615/"
                                        "?a&amp;b%3C%26%22%3C%26%22%3C%26%22"
                                        "\"\\u003c\\u0026\\\"\"")));
    buf_free(&b);
}

static void some_opens_optional_values(void **state)
{
    const struct optstr text = optstr_some(STR("x")), nothing = optstr_none();
    const struct optint number = {true, -5}, no_number = {false, 9};

    (void)state;
    assert_true(html_is_some(text) && html_is_some(number));
    assert_false(html_is_some(nothing) || html_is_some(no_number));
    assert_true(str_eq(html_some(text), STR("x")));
    assert_int_equal(html_some(number), -5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(html_escapes_five_characters_and_nul),
        cmocka_unit_test(every_other_byte_stays),
        cmocka_unit_test(json_strings_hold_no_markup),
        cmocka_unit_test(json_text_keeps_its_structure),
        cmocka_unit_test(urls_are_percent_encoded),
        cmocka_unit_test(dot_segments_cannot_climb),
        cmocka_unit_test(paths_are_built_of_segments),
        cmocka_unit_test(queries_are_added_before_the_fragment),
        cmocka_unit_test(urls_survive_every_failing_allocation),
        cmocka_unit_test(macros_choose_by_type),
        cmocka_unit_test(some_opens_optional_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
