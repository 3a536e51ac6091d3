/* The server as a whole: http/ over the engine, through real sockets. */
#include <errno.h>
#include <sys/resource.h>

#include "test/unit/http/server_fixture.h"

static void answers(void **state)
{
    struct server_fixture *x = *state;
    server_start(x);
    assert_int_equal(ask(x, GET("/t/a/rows")), 200);
    assert_int_equal(ask(x, POST("/t/a/rows")), 201);
    assert_int_equal(ask(x, GET("/task")), 200);
    assert_int_equal(ask(x, GET("/nope")), 404);
    assert_int_equal(ask(x, POST("/task")), 405);
    assert_int_equal(count_rows(x->engine->en, "a"), 1);
}

static void one_byte_at_a_time(void **state)
{
    struct server_fixture *x = *state;
    server_start(x);
    int fd = dialled(x);
    static const char text[] = POST("/t/a/rows") GET("/t/a/rows") GET("/task");
    for (size_t i = 0; i < sizeof text - 1; i++) {
        assert_int_equal(send(fd, text + i, 1, 0), 1);
        if (i % 7 == 0)
            usleep(1000);
    }
    assert_int_equal(hear(fd), 201);
    assert_int_equal(hear(fd), 200);
    assert_int_equal(hear(fd), 200);
    close(fd);
}

static void pipelined(void **state)
{
    struct server_fixture *x = *state;
    server_start(x);
    int fd = dialled(x);
    for (int i = 0; i < 50; i++)
        say(fd, POST("/t/a/rows") GET("/t/a/rows") GET("/task"));
    for (int i = 0; i < 50; i++) {
        assert_int_equal(hear(fd), 201);
        assert_int_equal(hear(fd), 200);
        assert_int_equal(hear(fd), 200);
    }
    close(fd);
    assert_int_equal(count_rows(x->engine->en, "a"), 50);
}

/* An idle connection leaves the library after a second. It must come back, also
 * with half of a request that arrived before. */
static void idle_connections_come_back(void **state)
{
    struct server_fixture *x = *state;
    server_start(x);
    int idle = dialled(x), half = dialled(x), fresh = dialled(x), chunked = dialled(x);
    char last;
    say(idle, GET("/task"));
    say(half, GET("/task") "GET /task HTTP/1.1\r\nHost: loc");
    say(chunked, "POST /small HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\n\r\n");
    assert_int_equal(hear(idle), 200);
    assert_int_equal(hear(half), 200);
    assert_int_equal(hear(chunked), 200);
    assert_int_equal(read(chunked, &last, 1), 0); /* its end may be a smuggled one */
    usleep(1400000);
    for (int i = 0; i < 2; i++) {
        say(idle, GET("/task"));
        assert_int_equal(hear(idle), 200);
    }
    say(half, "alhost\r\n\r\n");
    say(fresh, GET("/task"));
    assert_int_equal(hear(half), 200);
    assert_int_equal(hear(fresh), 200);
    usleep(1200000);
    say(idle, GET("/task") GET("/task"));
    assert_int_equal(hear(idle), 200);
    assert_int_equal(hear(idle), 200);
    close(idle);
    close(half);
    close(fresh);
    close(chunked);
}

static void deadline_of_the_handler(void **state)
{
    struct server_fixture *x = *state;
    x->config.handler_timeout_ms = 300;
    server_start(x);
    int fd = dialled(x);
    say(fd, POST("/t/a/hold"));
    assert_int_equal(hear(fd), 503);
    assert_true(ended(fd));
    close(fd);
    assert_int_equal(ask(x, GET("/task")), 200);
    assert_int_equal(atomic_load(&toy_held), 1);
    sem_post(&toy_hold);
    wait_until(atomic_load(&toy_done) == 1);
    wait_until(ask(x, POST("/t/a/rows")) == 201);
}

static void client_goes_while_its_write_runs(void **state)
{
    struct server_fixture *x = *state;
    server_start(x);
    int fd = dialled(x);
    say(fd, POST("/t/a/hold"));
    wait_until(atomic_load(&toy_held) == 1);
    close(fd);
    assert_int_equal(ask(x, GET("/task")), 200);
    sem_post(&toy_hold);
    wait_until(count_rows(x->engine->en, "a") == 1);
    assert_int_equal(ask(x, POST("/t/a/rows")), 201);
}

static void same_key_in_progress(void **state)
{
    struct server_fixture *x = *state;
    server_start(x);
    static const char keyed[] =
        "POST /t/a/hold HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Idempotency-Key: one\r\nContent-Length: 2\r\n\r\n{}";
    int fd = dialled(x);
    say(fd, keyed);
    wait_until(atomic_load(&toy_held) == 1);
    assert_int_equal(ask(x, keyed), 409);
    sem_post(&toy_hold);
    assert_int_equal(hear(fd), 201);
    assert_int_equal(ask(x, keyed), 201); /* the stored one: nothing is held */
    assert_int_equal(atomic_load(&toy_done), 1);
    assert_int_equal(count_rows(x->engine->en, "a"), 1);
    close(fd);
}

static void *stop_in_thread(void *arg)
{
    server_stop(arg);
    return NULL;
}

static void drain_answers_what_is_in_flight(void **state)
{
    struct server_fixture *x = *state;
    server_start(x);
    int held = dialled(x), idle = dialled(x), fresh = dialled(x);
    say(idle, GET("/task"));
    assert_int_equal(hear(idle), 200);
    say(held, POST("/t/a/hold"));
    wait_until(atomic_load(&toy_held) == 1);
    pthread_t thread;
    pthread_create(&thread, NULL, stop_in_thread, x);
    wait_until(dial(x) < 0);
    assert_true(ended(idle));
    assert_true(ended(fresh));
    sem_post(&toy_hold);
    char *answer = hear_until(held, NULL);
    assert_non_null(strstr(answer, "HTTP/1.1 201"));
    assert_non_null(strstr(answer, "Connection: close"));
    pthread_join(thread, NULL);
    assert_int_equal(count_rows(x->engine->en, "a"), 1);
    free(answer);
    close(held);
    close(idle);
    close(fresh);
}

static void stop_does_not_wait_for_ever(void **state)
{
    struct server_fixture *x = *state;
    x->config.drain_ms = 100;
    server_start(x);
    int held = dialled(x), slow = dialled(x), deaf = dialled(x);
    say(held, POST("/t/a/hold"));
    say(slow, "POST /t/a/rows HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
              "Content-Length: 5\r\n\r\n{");
    say(deaf, GET("/large"));
    wait_until(atomic_load(&toy_held) == 1);
    int64_t begin = clock_mono_ns();
    server_stop(x);
    assert_in_range(clock_mono_ns() - begin, 0, 2 * NS_PER_S);
    assert_int_equal(hear(held), 503);
    sem_post(&toy_hold); /* its job comes back to a server that is gone */
    wait_until(atomic_load(&toy_done) == 1);
    close(held);
    close(slow);
    close(deaf);
}

static void out_of_descriptors(void **state)
{
    enum { CONNECTIONS = 200 };
    struct server_fixture *x = *state;
    x->config.connections_max = 10000;
    server_start(x);
    assert_int_equal(ask(x, POST("/t/a/rows")), 201);
    int fds[CONNECTIONS], n = 0, refused = 0;
    struct rlimit old, few;
    getrlimit(RLIMIT_NOFILE, &old);
    few = old;
    /* The sockets of the client are open before the limit falls. */
    for (n = 0; n < CONNECTIONS; n++)
        fds[n] = socket(AF_INET, SOCK_STREAM, 0);
    few.rlim_cur = (rlim_t)fds[CONNECTIONS - 1] + 20;
    setrlimit(RLIMIT_NOFILE, &few);
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)x->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < n; i++)
        assert_int_equal(connect(fds[i], (const struct sockaddr *)&to, sizeof to), 0);
    for (int i = 0; i < n; i++) {
        say(fds[i], GET("/task"));
        int status = hear(fds[i]);
        assert_true(status == 200 || status == 503 || status == 0);
        refused += status != 200;
    }
    assert_true(refused > n / 2 && refused < n);
    for (int i = 0; i < n; i++)
        close(fds[i]);
    setrlimit(RLIMIT_NOFILE, &old);
    wait_until(ask(x, GET("/t/a/rows")) == 200);
}

static void too_many_connections(void **state)
{
    struct server_fixture *x = *state;
    x->config.connections_per_address = 3;
    server_start(x);
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = dialled(x);
        say(fds[i], GET("/task"));
        assert_int_equal(hear(fds[i]), 200);
    }
    assert_int_equal(ask(x, GET("/task")), 503);
    close(fds[0]);
    wait_until(ask(x, GET("/task")) == 200);
    close(fds[1]);
    close(fds[2]);
}

static void deaf_clients_are_dropped(void **state)
{
    struct server_fixture *x = *state;
    x->config.body_timeout_ms = 400;
    server_start(x);
    int fd = dialled(x);
    say(fd, GET("/large"));
    usleep(2500000);
    char *rest = hear_until(fd, "never");
    assert_true(strlen(rest) < LARGE_BYTES);
    free(rest);
    close(fd);
    fd = dialled(x);
    say(fd, GET("/large"));
    assert_int_equal(hear(fd), 200);
    close(fd);
}

static void bodies_larger_than_allowed(void **state)
{
    struct server_fixture *x = *state;
    server_start(x);
    static const char head[] = "POST /small HTTP/1.1\r\nHost: localhost\r\n"
                               "Content-Type: application/json\r\n";
    char text[512];
    snprintf(text, sizeof text, "%sContent-Length: 17\r\n\r\n12345678901234567", head);
    int fd = dialled(x);
    say(fd, text);
    assert_int_equal(hear(fd), 413);
    say(fd, GET("/task")); /* it was read to its end: the connection goes on */
    assert_int_equal(hear(fd), 200);
    snprintf(text, sizeof text,
             "%sTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n8\r\n12345678\r\n0\r\n\r\n",
             head);
    say(fd, text);
    assert_int_equal(hear(fd), 413);
    close(fd);
    fd = dialled(x);
    snprintf(text, sizeof text, "%sExpect: 100-continue\r\nContent-Length: 17\r\n\r\n", head);
    say(fd, text);
    assert_int_equal(hear(fd), 413); /* and no 100 before it */
    close(fd);
}

/* Far more than is read and dropped: the answer still reaches the client. */
static void endless_body(void **state)
{
    struct server_fixture *x = *state;
    server_start(x);
    static char part[1 << 16];
    memset(part, 'y', sizeof part - 1);
    int fd = dialled(x);
    say(fd, "POST /small HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n");
    for (int i = 0; i < 400; i++)
        say(fd, part);
    assert_int_equal(hear(fd), 413);
    close(fd);
    assert_int_equal(ask(x, GET("/task")), 200);
}

#define test(f) cmocka_unit_test_setup_teardown(f, server_setup, server_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(answers),
        test(one_byte_at_a_time),
        test(pipelined),
        test(idle_connections_come_back),
        test(deadline_of_the_handler),
        test(client_goes_while_its_write_runs),
        test(same_key_in_progress),
        test(drain_answers_what_is_in_flight),
        test(stop_does_not_wait_for_ever),
        test(out_of_descriptors),
        test(too_many_connections),
        test(deaf_clients_are_dropped),
        test(bodies_larger_than_allowed),
        test(endless_body),
    };
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
