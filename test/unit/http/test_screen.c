/* http/screen.c */
#include "test/unit/http/head_fixture.h"

static int screen(struct head *h, struct screened *s, int *status)
{
    struct err e = ERR_INIT;
    int rc = screen_head(h, s, status, &e);
    assert_int_equal(rc < 0, e.code != OK);
    return rc;
}

struct refused {
    const char *method, *target, *lines;
    int status;
};

static const struct refused refused[] = {
    /* framing */
    {"POST", "/", "Host: a\nContent-Length: 1\nTransfer-Encoding: chunked", 400},
    {"POST", "/", "Host: a\nContent-Length: 1\nContent-Length: 1", 400},
    {"POST", "/", "Host: a\nContent-Length: ", 400},
    {"POST", "/", "Host: a\nContent-Length: -1", 400},
    {"POST", "/", "Host: a\nContent-Length: +1", 400},
    {"POST", "/", "Host: a\nContent-Length: 0x1", 400},
    {"POST", "/", "Host: a\nContent-Length: 1, 1", 400},
    {"POST", "/", "Host: a\nContent-Length: 1 1", 400},
    {"POST", "/", "Host: a\nContent-Length: 18446744073709551616", 400},
    {"POST", "/", "Host: a\nContent-Length: 9223372036854775808", 400},
    {"POST", "/", "Host: a\nTransfer-Encoding: xchunked", 400},
    {"POST", "/", "Host: a\nTransfer-Encoding: gzip, chunked", 400},
    {"POST", "/", "Host: a\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked", 400},
    {"POST", "/", "Host: a\nTransfer-Encoding:", 400},
    /* host */
    {"GET", "/", "", 400},
    {"GET", "/", "Host: a\nHost: a", 400},
    {"GET", "/", "Host: a\nhOST: b", 400},
    {"GET", "/", "Host:", 400},
    {"GET", "/", "Host: a b", 400},
    {"GET", "/", "Host: a/b", 400},
    {"GET", "/", "Host: a@b", 400},
    {"GET", "/", "Host: a,b", 400},
    {"GET", "/", "Host: :80", 400},
    {"GET", "/", "Host: a:b", 400},
    {"GET", "/", "Host: a:65536", 400},
    {"GET", "/", "Host: a:1:2", 400},
    {"GET", "/", "Host: [::1", 400},
    {"GET", "/", "Host: []", 400},
    {"GET", "/", "Host: [::g]", 400},
    {"GET", "/", "Host: [::1]x", 400},
    {"GET", "/", "Host: \xc3\xa4", 400},
    /* fields */
    {"GET", "/", "Host: a\nX Y: b", 400},
    {"GET", "/", "Host: a\nX\t: b", 400},
    {"GET", "/", "Host: a\n: b", 400},
    {"GET", "/", "Host: a\nX(: b", 400},
    {"GET", "/", "Host: a\nX: a\rb", 400},
    {"GET", "/", "Host: a\nX: a\x01", 400},
    {"GET", "/", "Host: a\nX: a\x7f", 400},
    /* method and target */
    {"", "/", "Host: a", 400},
    {"G@T", "/", "Host: a", 400},
    {"GET", "", "Host: a", 400},
    {"GET", "a", "Host: a", 400},
    {"GET", "*", "Host: a", 400},
    {"GET", "/a b", "Host: a", 400},
    {"GET", "/a\x01", "Host: a", 400},
    {"GET", "/\xc3\xa4", "Host: a", 400},
    {"GET", "/a\"", "Host: a", 400},
    {"GET", "/<", "Host: a", 400},
    {"GET", "/a#b", "Host: a", 400},
    {"CONNECT", "a:80", "Host: a", 400},
    {"GET", "http://b/", "Host: a", 400},
    {"GET", "http://", "Host: a", 400},
    {"GET", "http:///x", "Host: a", 400},
    {"GET", "http://a@a/", "Host: a", 400},
    {"GET", "ftp://a/", "Host: a", 400},
    /* expectations */
    {"POST", "/", "Host: a\nExpect: tea", 417},
    {"POST", "/", "Host: a\nExpect: 100-continue\nExpect: 100-continue", 417},
};

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        const struct refused *r = &refused[i];
        struct head_fixture f;
        struct screened s = {.length = 77};
        int status = 0;
        if (screen(head_make(&f, r->method, r->target, r->lines), &s, &status) >= 0)
            fail_msg("accepted: %s %s %s", r->method, r->target, r->lines);
        if (status != r->status)
            fail_msg("%d, not %d: %s %s %s", status, r->status, r->method, r->target, r->lines);
        assert_int_equal(s.length, 77);
    }
}

static struct screened accepted(struct head *h)
{
    struct screened s = {.length = 77};
    int status = 0;
    assert_int_equal(screen(h, &s, &status), 0);
    return s;
}

static void takes_apart(void **state)
{
    (void)state;
    struct head_fixture f;
    struct screened s = accepted(head_make(&f, "GET", "/a/b?c=d?e", "hOSt: A.b:80\nX:\ty\xff"));
    assert_int_equal(s.method, HTTP_GET);
    assert_lit(s.path, "/a/b");
    assert_lit(s.query, "c=d?e");
    assert_lit(s.host, "A.b:80");
    assert_true(s.keep_alive);
    assert_false(s.chunked || s.has_length || s.expects_continue);
    assert_int_equal(s.length, 0);
    s = accepted(head_make(&f, "PATCH", "/?",
                           "Host: [::1]:0\nContent-Length: 0012\n"
                           "Expect: 100-Continue"));
    assert_int_equal(s.method, HTTP_PATCH);
    assert_lit(s.query, "");
    assert_lit(s.path, "/");
    assert_int_equal(s.length, 12);
    assert_true(s.expects_continue && s.has_length);
    s = accepted(head_make(&f, "BREW", "/", "Host: a_b.c.\nTransfer-Encoding: Chunked"));
    assert_int_equal(s.method, HTTP_OTHER);
    assert_true(s.chunked);
}

static void absolute_form_must_agree_with_host(void **state)
{
    (void)state;
    struct head_fixture f;
    struct screened s = accepted(head_make(&f, "GET", "http://A.b/x?y", "Host: a.B"));
    assert_lit(s.path, "/x");
    assert_lit(s.query, "y");
    assert_lit(s.host, "A.b");
    s = accepted(head_make(&f, "GET", "HTTPS://a.b:1?q", "Host: a.b:1"));
    assert_lit(s.path, "/");
    assert_lit(s.query, "q");
    s = accepted(head_make(&f, "GET", "http://a", "Host: a"));
    assert_lit(s.path, "/");
    assert_lit(s.query, "");
    s = accepted(head_make(&f, "OPTIONS", "*", "Host: a"));
    assert_lit(s.path, "*");
}

static void old_clients(void **state)
{
    (void)state;
    struct head_fixture f;
    struct head *h = head_make(&f, "GET", "/", "Expect: tea");
    h->minor = 0;
    struct screened s = accepted(h);
    assert_lit(s.host, "");
    assert_false(s.keep_alive || s.expects_continue);
    h = head_make(&f, "GET", "/", "Connection: foo, Keep-Alive");
    h->minor = 0;
    assert_true(accepted(h).keep_alive);
    assert_false(accepted(head_make(&f, "GET", "/", "Host: a\nConnection: x\nConnection: y, CLOSE"))
                     .keep_alive);
    int status = 0;
    h = head_make(&f, "POST", "/", "Transfer-Encoding: chunked");
    h->minor = 0;
    assert_true(screen(h, &s, &status) < 0 && status == 400);
}

static void sizes(void **state)
{
    (void)state;
    static char target[HEAD_TARGET_MAX + 2];
    struct head_fixture f;
    struct screened s;
    int status = 0;
    memset(target, 'a', sizeof target - 1);
    target[0] = '/';
    assert_true(screen(head_make(&f, "GET", target, "Host: a"), &s, &status) < 0);
    assert_int_equal(status, 414);
    target[HEAD_TARGET_MAX] = '\0';
    assert_int_equal(accepted(head_make(&f, "GET", target, "Host: a")).path.n, HEAD_TARGET_MAX);
    struct head *h = head_make(&f, "GET", "/", "Host: a");
    h->overflow = true;
    assert_true(screen(h, &s, &status) < 0 && status == 431);
    h->overflow = false;
    h->torn = true;
    assert_true(screen(h, &s, &status) < 0 && status == 400);
}

static void finds_fields(void **state)
{
    (void)state;
    struct head_fixture f;
    const struct head *h = head_make(&f, "GET", "/", "A: 1\nB: 2\na: 3");
    size_t count = 9, at = 0;
    assert_lit(optstr_or(head_find(h, STR("a"), &count), STR("-")), "1");
    assert_int_equal(count, 2);
    assert_false(optstr_is_some(head_find(h, STR("C"), &count)));
    assert_int_equal(count, 0);
    assert_lit(optstr_or(head_next(h, STR("A"), &at), STR("-")), "1");
    assert_lit(optstr_or(head_next(h, STR("A"), &at), STR("-")), "3");
    assert_false(optstr_is_some(head_next(h, STR("A"), &at)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses),     cmocka_unit_test(takes_apart),
        cmocka_unit_test(old_clients), cmocka_unit_test(absolute_form_must_agree_with_host),
        cmocka_unit_test(sizes),       cmocka_unit_test(finds_fields),
    };
    return cmocka_run_group_tests_name("screen", tests, NULL, NULL);
}
