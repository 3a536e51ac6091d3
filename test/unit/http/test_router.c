/* http/router.c */
#include "http/router.h"

#include "test/unit/base/unit.h"

static const struct route routes[] = {
    {.method = HTTP_GET, .path = "/", .produces = MEDIA_HTML, .id = "root"},
    {.method = HTTP_POST, .path = "/", .produces = MEDIA_HTML, .id = "root_post"},
    {.method = HTTP_GET, .path = "/tenant/{t}", .id = "tenant"},
    {.method = HTTP_GET, .path = "/tenant/{t}/items/{id}", .id = "item"},
    {.method = HTTP_DELETE, .path = "/tenant/{t}/items/{id}", .id = "item_delete"},
    {.method = HTTP_POST, .path = "/tenant/{t}/items:batch", .id = "batch"},
    {.method = HTTP_GET, .path = "/tenant/{t}/{what}", .produces = MEDIA_JSON, .id = "what"},
    {.method = HTTP_GET, .path = "/tenant/fixed/items", .id = "fixed"},
};

struct matched {
    const char *path;
    const char *id; /* of GET, else POST; NULL: not found; "": malformed */
    struct str params[2];
};

static const struct matched cases[] = {
    {"/", "root", {{0}}},
    {"/tenant/acme", "tenant", {STR_INIT("acme")}},
    {"/tenant/a%2Fb", "tenant", {STR_INIT("a/b")}},
    {"/tenant/%C3%A4", "tenant", {STR_INIT("\xc3\xa4")}},
    {"/tenant/a+b", "tenant", {STR_INIT("a+b")}},
    {"/tenant/", "tenant", {STR_INIT("")}},
    {"/ten%61nt/x", "tenant", {STR_INIT("x")}},
    {"/tenant/x/items/y", "item", {STR_INIT("x"), STR_INIT("y")}},
    {"/tenant/../items/..", "item", {STR_INIT(".."), STR_INIT("..")}},
    {"/tenant/x/items:batch", "batch", {STR_INIT("x")}},
    {"/tenant/x/items%3Abatch", "batch", {STR_INIT("x")}},
    {"/tenant/x/items:bat", "what", {STR_INIT("x"), STR_INIT("items:bat")}},
    {"/tenant/x/other", "what", {STR_INIT("x"), STR_INIT("other")}},
    {"/tenant/fixed/items", "fixed", {{0}}},
    {"/tenant/fixed/other", "what", {STR_INIT("fixed"), STR_INIT("other")}},
    {"/Tenant/x", NULL, {{0}}},
    {"/tenant", NULL, {{0}}},
    {"//", NULL, {{0}}},
    {"//tenant/x", NULL, {{0}}},
    {"/tenant/x/items/y/", NULL, {{0}}},
    {"/tenant%2fx", NULL, {{0}}},
    {"/a/b/c/d/e/f/g/h/i/j/k/l", NULL, {{0}}},
    {"/nope%00", NULL, {{0}}},
    {"/nope/%zz", NULL, {{0}}},
    {"/tenant/%", "", {{0}}},
    {"/tenant/%00", "", {{0}}},
    {"/tenant/%ff/items/x", "", {{0}}},
};

static void matches(void **state)
{
    (void)state;
    struct router r;
    assert_int_equal(router_make(routes, COUNT_OF(routes), &r, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct matched *m = &cases[i];
        struct arena a = ARENA_INIT;
        struct str params[ROUTER_PARAMS_MAX] = {{0}};
        const struct pattern *p = NULL;
        int rc = router_match(&r, str_from(m->path), &a, &p, params, NULL);
        int wanted = !m->id ? ERR_NOT_FOUND : *m->id ? 0 : ERR_MALFORMED;
        if (rc != wanted)
            fail_msg("%s: %d, not %d", m->path, rc, wanted);
        assert_int_equal(p != NULL, rc == 0);
        for (size_t k = 0; rc == 0 && k < 2; k++)
            assert_str(params[k], m->params[k]);
        const struct route *route = rc == 0 ? pattern_route(p, HTTP_GET) : NULL;
        if (rc == 0)
            assert_string_equal((route ? route : pattern_route(p, HTTP_POST))->id, m->id);
        arena_free(&a);
    }
    router_free(&r);
}

static void methods(void **state)
{
    (void)state;
    struct router r;
    struct arena a = ARENA_INIT;
    struct str params[ROUTER_PARAMS_MAX];
    const struct pattern *p = NULL;
    struct buf b = BUF_INIT;
    assert_int_equal(router_make(routes, COUNT_OF(routes), &r, NULL), 0);
    assert_int_equal(router_match(&r, STR("/"), &a, &p, params, NULL), 0);
    pattern_allow(p, &b);
    assert_lit(buf_str(&b), "GET, HEAD, POST, OPTIONS");
    assert_int_equal(p->tenant_param, -1);
    assert_int_equal(pattern_produces(p), MEDIA_HTML);
    assert_ptr_equal(pattern_route(p, HTTP_HEAD), pattern_route(p, HTTP_GET));
    assert_null(pattern_route(p, HTTP_DELETE));
    assert_null(pattern_route(p, HTTP_OTHER));
    assert_int_equal(router_match(&r, STR("/tenant/x/items/y"), &a, &p, params, NULL), 0);
    buf_reset(&b);
    pattern_allow(p, &b);
    assert_lit(buf_str(&b), "GET, HEAD, DELETE, OPTIONS");
    assert_int_equal(p->tenant_param, 0);
    buf_free(&b);
    arena_free(&a);
    router_free(&r);
}

static void refuses_bad_tables(void **state)
{
    (void)state;
    static const struct route twice[] = {{.method = HTTP_GET, .path = "/{a}"},
                                         {.method = HTTP_GET, .path = "/{b}"}},
                              relative[] = {{.method = HTTP_GET, .path = "a"}},
                              odd[] = {{.method = HTTP_OTHER, .path = "/"}},
                              deep[] = {{.method = HTTP_GET, .path = "/1/2/3/4/5/6/7/8/9"}};
    struct router r = {.n = 7};
    struct err e = ERR_INIT;
    assert_int_equal(router_make(twice, 2, &r, &e), ERR_INTERNAL);
    assert_int_equal(router_make(relative, 1, &r, &e), ERR_INTERNAL);
    assert_int_equal(router_make(odd, 1, &r, &e), ERR_INTERNAL);
    assert_int_equal(router_make(deep, 1, &r, &e), ERR_INTERNAL);
    assert_int_equal(r.n, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches),
        cmocka_unit_test(methods),
        cmocka_unit_test(refuses_bad_tables),
    };
    return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}
