/* http/tenant.c */
#include "http/tenant.h"

#include "test/unit/http/head_fixture.h"

/* BASE_DOMAIN as it is set in the cases: NULL is not set. */
struct resolved {
    const char *bases, *fly;
    const char *lines, *host, *path; /* path NULL: the route has no {t} */
    const char *tenant;              /* NULL: refused */
    enum tenant_source source;
};

#define LONGEST                                                                                    \
    "a23456789012345678901234567890123456789012345678901234567890123" /* 63 characters */

static const struct resolved cases[] = {
    /* nothing set: localhost, and any host of three or more labels */
    {NULL, NULL, "", "", NULL, "default", TENANT_BY_DEFAULT},
    {NULL, NULL, "", "localhost", NULL, "default", TENANT_BY_DEFAULT},
    {NULL, NULL, "", "localhost:8080", NULL, "default", TENANT_BY_DEFAULT},
    {NULL, NULL, "", "LOCALHOST.", NULL, "default", TENANT_BY_DEFAULT},
    {NULL, NULL, "", "acme.localhost", NULL, "acme", TENANT_BY_HOST},
    {NULL, NULL, "", "ACME-Corp.LocalHost:8080", NULL, "acme-corp", TENANT_BY_HOST},
    {NULL, NULL, "", "acme.localhost.:8080", NULL, "acme", TENANT_BY_HOST},
    {NULL, NULL, "", "a.b.localhost", NULL, NULL, 0},
    {NULL, NULL, "", ".localhost", NULL, NULL, 0},
    {NULL, NULL, "", "www.localhost", NULL, "www", TENANT_BY_HOST},
    {NULL, NULL, "", "xlocalhost", NULL, "default", TENANT_BY_DEFAULT},
    {NULL, NULL, "", "acme", NULL, "default", TENANT_BY_DEFAULT},
    {NULL, NULL, "", "example.com", NULL, "default", TENANT_BY_DEFAULT},
    {NULL, NULL, "", "www.example.com", NULL, "default", TENANT_BY_DEFAULT},
    {NULL, NULL, "", "acme.example.com", NULL, "acme", TENANT_BY_HOST},
    {NULL, NULL, "", "www.acme.example.com", NULL, "acme", TENANT_BY_HOST},
    {NULL, NULL, "", "WWW.Acme.example.com.", NULL, "acme", TENANT_BY_HOST},
    {NULL, NULL, "", "a.b.c.d.e", NULL, "a", TENANT_BY_HOST},
    {NULL, NULL, "", "-bad.example.com", NULL, NULL, 0},
    {NULL, NULL, "", "a-wal.example.com", NULL, NULL, 0},
    {NULL, NULL, "", "a..example.com", NULL, NULL, TENANT_BY_HOST},
    {NULL, NULL, "", LONGEST ".example.com", NULL, LONGEST, TENANT_BY_HOST},
    {NULL, NULL, "", LONGEST "x.example.com", NULL, NULL, 0},
    /* addresses */
    {NULL, NULL, "", "127.0.0.1", NULL, "default", TENANT_BY_DEFAULT},
    {NULL, NULL, "", "127.0.0.1:8080", NULL, "default", TENANT_BY_DEFAULT},
    {NULL, NULL, "", "127.0.0.1.", NULL, "default", TENANT_BY_DEFAULT},
    {NULL, NULL, "", "10.1.2", NULL, "default", TENANT_BY_DEFAULT},
    {NULL, NULL, "", "a.b.0x7f", NULL, "default", TENANT_BY_DEFAULT},
    {NULL, NULL, "", "a.b.0x7g", NULL, "a", TENANT_BY_HOST},
    {NULL, NULL, "", "a.b.3com", NULL, "a", TENANT_BY_HOST},
    {NULL, NULL, "", "[::1]:8080", NULL, "default", TENANT_BY_DEFAULT},
    {NULL, NULL, "", "[::ffff:1.2.3.4]", NULL, "default", TENANT_BY_DEFAULT},
    /* a list that was set */
    {"example.com", NULL, "", "example.com", NULL, "default", TENANT_BY_DEFAULT},
    {"example.com", NULL, "", "acme.Example.com", NULL, "acme", TENANT_BY_HOST},
    {"example.com", NULL, "", "a.b.example.com", NULL, NULL, 0},
    {"example.com", NULL, "", "acme.localhost", NULL, "default", TENANT_BY_DEFAULT},
    {"example.com", NULL, "", "acme.example.org", NULL, "default", TENANT_BY_DEFAULT},
    {"example.com", NULL, "", "acmeexample.com", NULL, "default", TENANT_BY_DEFAULT},
    {"Example.com., .b.test", NULL, "", "x.b.test", NULL, "x", TENANT_BY_HOST},
    {"example.com,app.example.com", NULL, "", "app.example.com", NULL, "default",
     TENANT_BY_DEFAULT},
    {"example.com,app.example.com", NULL, "", "x.app.example.com", NULL, "x", TENANT_BY_HOST},
    {"app.example.com,example.com", NULL, "", "x.app.example.com", NULL, "x", TENANT_BY_HOST},
    {"example.com", "demo", "", "acme.demo.fly.dev", NULL, "default", TENANT_BY_DEFAULT},
    /* on Fly */
    {NULL, "demo", "", "demo.fly.dev", NULL, "default", TENANT_BY_DEFAULT},
    {NULL, "demo", "", "acme.demo.fly.dev", NULL, "acme", TENANT_BY_HOST},
    {NULL, "demo", "", "a.acme.demo.fly.dev", NULL, NULL, 0},
    {NULL, "demo", "", "acme.localhost", NULL, "acme", TENANT_BY_HOST},
    {NULL, "", "", "demo.fly.dev", NULL, "demo", TENANT_BY_HOST},
    /* the order: header, host, path */
    {NULL, NULL, "X-Tenant: h", "s.localhost", "p", "h", TENANT_BY_HEADER},
    {NULL, NULL, "x-tenant: H", "localhost", NULL, "h", TENANT_BY_HEADER},
    {NULL, NULL, "", "s.localhost", "p", "s", TENANT_BY_HOST},
    {NULL, NULL, "", "localhost", "p", "p", TENANT_BY_PATH},
    {NULL, NULL, "", "localhost", "P_1", "p_1", TENANT_BY_PATH},
    {NULL, NULL, "X-Tenant: default", "s.localhost", "p", "default", TENANT_BY_HEADER},
    /* a bad name in any place is refused */
    {NULL, NULL, "X-Tenant: h\nX-Tenant: h", "localhost", NULL, NULL, 0},
    {NULL, NULL, "X-Tenant:", "localhost", NULL, NULL, 0},
    {NULL, NULL, "X-Tenant: a b", "localhost", NULL, NULL, 0},
    {NULL, NULL, "X-Tenant: a,b", "localhost", NULL, NULL, 0},
    {NULL, NULL, "X-Tenant: ../x", "localhost", NULL, NULL, 0},
    {NULL, NULL, "X-Tenant: a.db", "localhost", NULL, NULL, 0},
    {NULL, NULL, "X-Tenant: \xc3\xa4", "localhost", NULL, NULL, 0},
    {NULL, NULL, "X-Tenant: h", "-.localhost", "p", NULL, 0},
    {NULL, NULL, "X-Tenant: h", "a.b.localhost", "p", NULL, 0},
    {NULL, NULL, "X-Tenant: h", "s.localhost", "-p", NULL, 0},
    {NULL, NULL, "X-Tenant: -", "s.localhost", "p", NULL, 0},
    {NULL, NULL, "", "s.localhost", "..", NULL, 0},
    {NULL, NULL, "", "localhost", "", NULL, 0},
    {NULL, NULL, "", "localhost", "a/b", NULL, 0},
    {NULL, NULL, "", "localhost", "a-journal", NULL, 0},
};

static void resolves(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct resolved *k = &cases[i];
        struct tenant_rules rules;
        struct head_fixture f;
        struct err e = ERR_INIT;
        struct tenant_name name = {0};
        enum tenant_source source = TENANT_BY_DEFAULT;
        assert_int_equal(tenant_rules_make(k->bases, k->bases != NULL, k->fly, &rules, &e), 0);
        int rc = tenant_resolve(&rules, head_make(&f, "GET", "/", k->lines), str_from(k->host),
                                k->path ? optstr_some(str_from(k->path)) : optstr_none(), &name,
                                &source, &e);
        tenant_rules_free(&rules);
        if ((rc == 0) != (k->tenant != NULL))
            fail_msg("case %zu: %s %s: %d %s", i, k->lines, k->host, rc, e.text);
        if (rc < 0) {
            assert_int_equal(rc, ERR_MALFORMED);
            assert_int_equal(name.n, 0);
            continue;
        }
        if (strcmp(name.s, k->tenant) != 0 || source != k->source)
            fail_msg("case %zu: %s by %d, not %s by %d", i, name.s, (int)source, k->tenant,
                     (int)k->source);
    }
}

static void refuses_bad_settings(void **state)
{
    (void)state;
    static const char *const bad[] = {"", ",", "a.test,", "a b", "http://a", "a:80", "a/b", "."};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct tenant_rules rules = {.n_bases = 5};
        struct err e = ERR_INIT;
        if (tenant_rules_make(bad[i], true, NULL, &rules, &e) != ERR_USAGE)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(rules.n_bases, 5);
    }
}

/* Whatever the host: what is resolved is a name by the rule, or refused. */
static void random_hosts(void **state)
{
    (void)state;
    static const char bytes[] = "aZ09-_..:[]wx%\x80/ ";
    struct unit_random r = {.state = 20261123};
    struct tenant_rules rules;
    struct err e = ERR_INIT;
    assert_int_equal(tenant_rules_make(NULL, false, "demo", &rules, &e), 0);
    for (int i = 0; i < 200000; i++) {
        char host[24];
        size_t n = unit_below(&r, sizeof host);
        for (size_t k = 0; k < n; k++)
            host[k] = bytes[unit_below(&r, sizeof bytes - 1)];
        struct head_fixture f;
        struct tenant_name name = {0}, again;
        enum tenant_source source;
        f.head = (struct head){.n_headers = 0};
        if (tenant_resolve(&rules, &f.head, str_make(host, n), optstr_none(), &name, &source, &e) ==
            0) {
            assert_int_equal(tenant_name_parse(tenant_name_str(&name), &again, &e), 0);
            assert_string_equal(again.s, name.s);
        }
    }
    tenant_rules_free(&rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolves),
        cmocka_unit_test(refuses_bad_settings),
        cmocka_unit_test(random_hosts),
    };
    return cmocka_run_group_tests_name("tenant", tests, NULL, NULL);
}
