/* http/request.c, http/json_body.c and http/problem.c, without a server. */
#include <sodium.h>
#include <stdlib.h>

#include "http/exchange.h"
#include "http/server.h"
#include "test/unit/http/head_fixture.h"

struct request_fixture {
    struct exchange ex;
    struct http_server server;
    struct loop loop;
    struct head_fixture head;
    struct route route;
};

static int setup(void **state)
{
    struct request_fixture *x = calloc(1, sizeof *x);
    if (!x)
        return -1;
    x->route = (struct route){.path = "/a/{t}", .produces = MEDIA_JSON};
    x->server.config.secret[0] = 1;
    x->loop.server = &x->server;
    x->ex.srv = x->ex.rq.server = &x->server;
    x->ex.loop = &x->loop;
    x->ex.rq.arena = &x->ex.arena;
    x->ex.rq.route = &x->route;
    x->ex.rq.path = STR("/a/b");
    x->ex.rq.id = STR("id");
    x->ex.rq.accepts = MEDIA_JSON;
    *state = x;
    return 0;
}

static int teardown(void **state)
{
    struct request_fixture *x = *state;
    json_decref(x->ex.json);
    arena_free(&x->ex.arena);
    buf_free(&x->ex.rq.out);
    free(x);
    return 0;
}

static void limits(void **state)
{
    struct request_fixture *x = *state;
    struct request *rq = &x->ex.rq;
    static const struct {
        const char *query;
        int rc;
        unsigned limit;
    } cases[] = {
        {"", 0, 100},        {"limit=1", 0, 1},          {"limit=1000", 0, 1000},
        {"x=y", 0, 100},     {"limit=0", -1, 0},         {"limit=1001", -1, 0},
        {"limit=", -1, 0},   {"limit=-1", -1, 0},        {"limit=1.0", -1, 0},
        {"limit=01", -1, 0}, {"limit=1e2", -1, 0},       {"limit=%31", 0, 1},
        {"limit", -1, 0},    {"limit=1&limit=1", -1, 0}, {"limit=99999999999999999999", -1, 0},
        {"limit=+1", -1, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        unsigned limit = 7;
        rq->query = str_from(cases[i].query);
        rq->err = (struct err)ERR_INIT;
        int rc = request_limit(rq, 100, 1000, &limit);
        if ((rc < 0) != (cases[i].rc < 0) || limit != (rc < 0 ? 7 : cases[i].limit))
            fail_msg("%s: %d %u", cases[i].query, rc, limit);
        assert_int_equal(rq->err.code, rc < 0 ? ERR_MALFORMED : OK);
    }
}

struct json_case {
    struct str body;
    bool good;
};

#define GOOD(text)                                                                                 \
    {                                                                                              \
        STR_INIT(text), true                                                                       \
    }
#define BAD(text)                                                                                  \
    {                                                                                              \
        STR_INIT(text), false                                                                      \
    }

static const struct json_case json_cases[] = {
    GOOD("{}"),
    GOOD(" [1, 2.5e3, \"\\u00e4\\ud83d\\ude00\", null, true] "),
    GOOD("7"),
    GOOD("9223372036854775807"),
    GOOD("\"\xf0\x9f\x98\x80\""),
    BAD(""),
    BAD(" "),
    BAD("{"),
    BAD("{}{}"),
    BAD("{} x"),
    BAD("{\"a\":1,\"a\":2}"),
    BAD("{\"a\":{\"b\":1,\"b\":1}}"),
    BAD("{a:1}"),
    BAD("{'a':1}"),
    BAD("[1,]"),
    BAD("[01]"),
    BAD("[+1]"),
    BAD("[.5]"),
    BAD("[NaN]"),
    BAD("[Infinity]"),
    BAD("[1e999]"),
    BAD("[9223372036854775808]"),
    BAD("[-9223372036854775809]"),
    BAD("\"\\u0000\""),
    BAD("\"\\ud800\""),
    BAD("\"\\udc00\\ud800\""),
    BAD("\"\\x\""),
    BAD("\"a\nb\""),
    BAD("\"\xff\""),
    BAD("\"\xc0\x80\""),
    BAD("\"\xed\xa0\x80\""),
    BAD("{}\0"),
    BAD("\"a\0b\""),
    BAD("\xef\xbb\xbf{}"),
    BAD("// x\n{}"),
};

static void json_is_strict(void **state)
{
    struct request_fixture *x = *state;
    struct request *rq = &x->ex.rq;
    for (size_t i = 0; i < COUNT_OF(json_cases); i++) {
        json_t *json = NULL;
        rq->body = json_cases[i].body;
        rq->err = (struct err)ERR_INIT;
        int rc = request_json(rq, &json);
        if ((rc == 0) != json_cases[i].good)
            fail_msg("%zu: %.*s: %d %s", i, STR_ARG(rq->body), rc, rq->err.text);
        assert_int_equal(json != NULL, rc == 0);
        assert_ptr_equal(json, x->ex.json);
        if (rc < 0)
            assert_true(strstr(rq->err.text, "line ") || strstr(rq->err.text, "NUL"));
        json_decref(x->ex.json);
        x->ex.json = NULL;
    }
}

static void json_nests_so_deep(void **state)
{
    struct request_fixture *x = *state;
    struct request *rq = &x->ex.rq;
    static char text[200000];
    json_t *json = NULL;
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    rq->body = str_make(text, 128);
    assert_int_equal(request_json(rq, &json), 0);
    json_decref(x->ex.json);
    x->ex.json = NULL;
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    rq->body = str_make(text, 130);
    assert_int_equal(request_json(rq, &json), ERR_MALFORMED);
    memset(text, '[', sizeof text);
    rq->body = str_make(text, sizeof text);
    assert_int_equal(request_json(rq, &json), ERR_MALFORMED);
    /* Brackets in strings nest nothing. */
    memset(text, '[', 1000);
    text[0] = text[999] = '"';
    rq->body = str_make(text, 1000);
    assert_int_equal(request_json(rq, &json), 0);
}

static void next_page(void **state)
{
    struct request_fixture *x = *state;
    struct request *rq = &x->ex.rq;
    assert_int_equal(tenant_name_parse(STR("acme"), &rq->tenant, NULL), 0);
    rq->query = STR("q=a%20b&cursor=old&limit=5&c%75rsor=x&&e=%C3%A4");
    response_link_next(rq, STR("a b"), STR("position"));
    assert_int_equal(rq->n_headers, 1);
    struct str link = rq->headers[0].value;
    assert_true(str_starts(link, STR("</a/b?q=a%20b&limit=5&e=%C3%A4&cursor=")));
    assert_true(str_ends(link, STR(">; rel=\"next\"")));
    /* What was given out is taken back, for the same tenant and query only. */
    rq->query = str_sub(link, 6, link.n - 6 - 13);
    struct str position;
    assert_int_equal(request_cursor(rq, STR("a b"), &position), 1);
    assert_lit(position, "position");
    assert_int_equal(request_cursor(rq, STR("a c"), &position), ERR_MALFORMED);
    assert_int_equal(tenant_name_parse(STR("other"), &rq->tenant, NULL), 0);
    assert_int_equal(request_cursor(rq, STR("a b"), &position), ERR_MALFORMED);
    rq->query = STR("q=1");
    assert_int_equal(request_cursor(rq, STR("a b"), &position), 0);
}

static void conditions(void **state)
{
    struct request_fixture *x = *state;
    struct request *rq = &x->ex.rq;
    static const struct {
        const char *lines, *etag;
        bool go_on;
    } cases[] = {
        {"", "\"a\"", true},
        {"If-Match: \"a\"", "\"a\"", true},
        {"If-Match: \"b\"", "\"a\"", false},
        {"If-Match: *", "\"a\"", true},
        {"If-Match: *", "", false},
        {"If-Match: \"a\"", "", false},
        {"", "", true},
        {"If-None-Match: *", "\"a\"", false},
        {"If-None-Match: \"a\"", "\"a\"", false},
        {"If-None-Match: \"b\"", "\"a\"", true},
        {"If-None-Match: *", "", true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        x->ex.head = *head_make(&x->head, "PATCH", "/", cases[i].lines);
        rq->err = (struct err)ERR_INIT;
        if (request_if_match(rq, str_from(cases[i].etag)) != cases[i].go_on)
            fail_msg("%s with %s", cases[i].lines, cases[i].etag);
        assert_int_equal(rq->err.code, cases[i].go_on ? OK : ERR_PRECONDITION);
    }
}

static void headers_stay_in_their_line(void **state)
{
    struct request_fixture *x = *state;
    struct request *rq = &x->ex.rq;
    response_header(rq, "X", STR("a\r\nSet-Cookie: b\0c\x7f\xc3\xa4"));
    assert_lit(rq->headers[0].value, "a??Set-Cookie: b?c?\xc3\xa4");
    for (unsigned i = 1; i < COUNT_OF(rq->headers); i++)
        response_header(rq, "X", STR("y"));
    assert_true(buf_ok(&rq->out));
    response_header(rq, "X", STR("one too many"));
    assert_int_equal(rq->n_headers, COUNT_OF(rq->headers));
    assert_false(buf_ok(&rq->out));
}

static json_t *document(struct request_fixture *x)
{
    problem_answer(&x->ex);
    assert_string_equal(x->ex.rq.out_type, "application/problem+json");
    json_t *json = json_loadb(x->ex.rq.out.p, x->ex.rq.out.n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    assert_int_equal(json_integer_value(json_object_get(json, "status")), x->ex.rq.status);
    assert_string_equal(json_string_value(json_object_get(json, "request_id")), "id");
    return json;
}

static const char *text_of(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

static void problems(void **state)
{
    struct request_fixture *x = *state;
    struct request *rq = &x->ex.rq;
    rq->etag = STR("\"a\"");
    response_header(rq, "Location", STR("/x"));
    x->ex.rc = request_fail(rq, ERR_CORRUPT, "bytes \xff and \"quotes\"");
    json_t *json = document(x);
    assert_int_equal(rq->status, 503);
    assert_string_equal(text_of(json, "type"), "urn:rowhouse:problem:tenant-corrupt");
    assert_string_equal(text_of(json, "detail"), "bytes \xef\xbf\xbd and \"quotes\"");
    assert_null(json_object_get(json, "errors"));
    /* Nothing is left of the answer that there would have been. */
    assert_int_equal(rq->n_headers, 0);
    assert_int_equal(rq->etag.n, 0);
    json_decref(json);

    rq->err = (struct err)ERR_INIT;
    request_field_error(rq, "name", "must not be %s", "empty");
    request_field_error(rq, "a/0", "second");
    x->ex.rc = ERR_INVALID;
    json = document(x);
    assert_int_equal(rq->status, 422);
    const json_t *errors = json_object_get(json, "errors");
    assert_int_equal(json_array_size(errors), 2);
    assert_string_equal(text_of(json_array_get(errors, 0), "field"), "name");
    assert_string_equal(text_of(json_array_get(errors, 0), "message"), "must not be empty");
    assert_string_equal(text_of(json_array_get(errors, 1), "field"), "a/0");
    json_decref(json);

    exchange_refuse(&x->ex, 415, "unsupported-media-type", "no");
    json = document(x);
    assert_int_equal(rq->status, 415);
    assert_string_equal(text_of(json, "type"), "urn:rowhouse:problem:unsupported-media-type");
    json_decref(json);
}

static void print_page(struct request *rq, const struct problem *p, struct buf *out)
{
    (void)rq;
    buf_printf(out, "<p>%d %s", p->status, p->type);
}

static void pages(void **state)
{
    struct request_fixture *x = *state;
    struct request *rq = &x->ex.rq;
    x->server.config.error_page = print_page;
    rq->accepts = MEDIA_HTML;
    x->ex.rc = request_fail(rq, ERR_NOT_FOUND, "gone");
    problem_answer(&x->ex);
    assert_lit(buf_str(&rq->out), "<p>404 not-found");
    assert_null(rq->out_type);
    rq->accepts = MEDIA_JSON;
    json_decref(document(x));
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(limits),     test(json_is_strict),
        test(next_page),  test(json_nests_so_deep),
        test(conditions), test(headers_stay_in_their_line),
        test(problems),   test(pages),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
