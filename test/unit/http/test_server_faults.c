/*
 * Each allocation fails once, while the server starts and while it serves: the
 * answer is an error, or right, or the connection ends; afterwards all is well.
 */
#include <errno.h>

#include "test/unit/http/server_fixture.h"

enum { MOST_POINTS = 2000 };

/* What a request may end in where memory was out once. */
static bool is_plausible(int status, int good)
{
    return status == good || status == 503 || status == 507 || status == 500 || status == 0;
}

static void serving(void **state)
{
    static const struct {
        const char *text;
        int good;
    } requests[] = {
        {GET("/t/a/rows"), 200},
        {POST("/t/a/rows"), 201},
        {"POST /t/a/rows HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
         "Idempotency-Key: k\r\nPrefer: durability=relaxed\r\nContent-Length: 2\r\n\r\n{}",
         201},
        {GET("/task"), 200},
        {GET("/t/%61/rows"), 200},
        {GET("/nope"), 404},
        {POST("/task"), 405},
        {"GET /task HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400},
        {"POST /small HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
         "Content-Length: 2\r\n\r\n{}",
         415},
        {GET("/t/a/events"), 200},
    };
    struct server_fixture *x = *state;
    x->config.connections_per_address = 100;
    server_start(x);
    assert_int_equal(ask(x, POST("/t/a/rows")), 201);
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        bool fired = true;
        int64_t n;
        for (n = 1; fired; n++) {
            fault_arm(FAULT_ALLOC, n, false);
            int status = ask(x, requests[i].text);
            fired = fault_fired(FAULT_ALLOC) > 0;
            fault_arm(FAULT_ALLOC, 0, false);
            if (!is_plausible(status, requests[i].good))
                fail_msg("request %zu, point %d: %d", i, (int)n, status);
            wait_until(ask(x, requests[i].text) == requests[i].good);
            if (n > MOST_POINTS)
                fail_msg("it goes on for ever");
        }
    }
}

static void starting(void **state)
{
    struct server_fixture *x = *state;
    struct engine *en = start(x->engine);
    bool fired = true;
    int64_t n;
    for (n = 1; fired; n++) {
        struct http_server *server = NULL;
        struct err e = ERR_INIT;
        fault_arm(FAULT_ALLOC, n, false);
        int rc = http_start(&x->config, en, &server, &e);
        fired = fault_fired(FAULT_ALLOC) > 0;
        fault_arm(FAULT_ALLOC, 0, false);
        assert_true(rc < 0 ? server == NULL && e.code != OK && e.text[0] : server != NULL);
        assert_true(rc == 0 || fired);
        http_stop(server);
        if (n > MOST_POINTS)
            fail_msg("it goes on for ever");
    }
    assert_true(n > 5); /* it did reach points that fail */
}

#define test(f) cmocka_unit_test_setup_teardown(f, server_setup, server_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {test(starting), test(serving)};
    return cmocka_run_group_tests_name("server_faults", tests, NULL, NULL);
}
