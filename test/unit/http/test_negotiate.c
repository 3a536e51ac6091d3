/* http/negotiate.c */
#include "http/negotiate.h"

#include "test/unit/http/head_fixture.h"

#define J MEDIA_JSON
#define H MEDIA_HTML
#define M MEDIA_MERGE_PATCH
#define F MEDIA_FORM
#define E MEDIA_EVENTS

struct wanted {
    const char *lines;
    unsigned set;
    enum media media;
};

static const struct wanted accepts[] = {
    {"", J | H, J},
    {"Accept: */*", J | H, J},
    {"Accept:", J | H, J},
    {"Accept: text/html", J | H, H},
    {"Accept: TEXT/Html", J | H, H},
    {"Accept: text/html", J, 0},
    {"Accept: text/html, application/json", J | H, J},
    {"Accept: text/html, application/json;q=0.9", J | H, H},
    {"Accept: text/html;q=0.5, application/json;q=0.6", J | H, J},
    {"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", J | H, H},
    {"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", J, J},
    {"Accept: text/*", J | H, H},
    {"Accept: application/*;q=0.1, text/*;q=0.2", J | H, H},
    /* the closest range counts, not the largest weight */
    {"Accept: application/json;q=0, */*", J | H, H},
    {"Accept: application/json;q=0, */*", J, 0},
    {"Accept: */*, application/*;q=0", J, 0},
    {"Accept: application/*;q=0, application/json", J | H, J},
    {"Accept: */*;q=0", J | H, 0},
    {"Accept: text/html;q=0.000, */*;q=0.001", H, 0},
    {"Accept: text/html;q=0.001", H, H},
    /* several fields are one list */
    {"Accept: image/png\nAccept: text/html", J | H, H},
    {"Accept: image/png", J | H, 0},
    /* what cannot be read is passed over */
    {"Accept: text/html;q=2, application/json;q=0.1", J | H, J},
    {"Accept: text/html;q=x", J | H, J},
    {"Accept: html", J | H, J},
    {"Accept: ,,text/html,,", J | H, H},
    {"Accept: text/html ; q=0.5 , application/json ; q=0.4", J | H, H},
    {"Accept: text/html;level=\"a,b;q=0\", application/json;q=0.5", J | H, H},
    {"Accept: text/html;q=\"", H, H},
    {"Accept: text/event-stream", E, E},
};

static void accept_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(accepts); i++) {
        struct head_fixture f;
        enum media m =
            negotiate_accept(head_make(&f, "GET", "/", accepts[i].lines), accepts[i].set);
        if (m != accepts[i].media)
            fail_msg("%s: %d, not %d", accepts[i].lines, (int)m, (int)accepts[i].media);
    }
}

static const struct wanted contents[] = {
    {"Content-Type: application/json", J | M, J},
    {"Content-Type: Application/JSON ; charset=UTF-8", J | M, J},
    {"Content-Type: application/json;charset=\"utf-8\"", J, J},
    {"Content-Type: application/json;version=1", J, J},
    {"Content-Type: application/merge-patch+json", J | M, M},
    {"Content-Type: application/merge-patch+json", J, 0},
    {"Content-Type: application/x-www-form-urlencoded", F, F},
    {"Content-Type: application/json; charset=latin1", J, 0},
    {"Content-Type: application/json; charset=", J, 0},
    {"Content-Type: application/json\nContent-Type: application/json", J, 0},
    {"Content-Type: application/json, application/json", J, 0},
    {"Content-Type: application/jsonx", J, 0},
    {"Content-Type: text/json", J, 0},
    {"Content-Type: */*", J, 0},
    {"Content-Type:", J, 0},
    {"", J, 0},
};

static void content_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(contents); i++) {
        struct head_fixture f;
        enum media m =
            negotiate_content(head_make(&f, "POST", "/", contents[i].lines), contents[i].set);
        if (m != contents[i].media)
            fail_msg("%s: %d, not %d", contents[i].lines, (int)m, (int)contents[i].media);
    }
}

static void names(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    media_list(J | M, &b);
    assert_lit(buf_str(&b), "application/json, application/merge-patch+json");
    buf_free(&b);
    assert_string_equal(media_type(MEDIA_HTML), "text/html; charset=utf-8");
}

/* Nothing but what the route has comes out, whatever the client sends. */
static void random_fields(void **state)
{
    (void)state;
    static const char bytes[] = "text/html;q=0.1,*/*\"\\ application/json";
    struct unit_random r = {.state = 4711};
    for (int i = 0; i < 100000; i++) {
        char value[40] = "Accept: ";
        size_t n = 8 + unit_below(&r, sizeof value - 9);
        for (size_t k = 8; k < n; k++)
            value[k] = bytes[unit_below(&r, sizeof bytes - 1)];
        value[n] = '\0';
        struct head_fixture f;
        enum media m = negotiate_accept(head_make(&f, "GET", "/", value), J | E);
        assert_true(m == 0 || m == J || m == E);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accept_table),
        cmocka_unit_test(content_table),
        cmocka_unit_test(names),
        cmocka_unit_test(random_fields),
    };
    return cmocka_run_group_tests_name("negotiate", tests, NULL, NULL);
}
