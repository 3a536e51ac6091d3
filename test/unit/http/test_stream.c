/* http/stream.c through sockets. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>

#include "test/unit/http/server_fixture.h"

static int open_stream(const struct server_fixture *x, const char *more, int receive_bytes)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    const struct timeval most = {.tv_sec = 8};
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)x->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (receive_bytes)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    char text[512];
    snprintf(text, sizeof text, "GET /t/a/events HTTP/1.1\r\nHost: localhost\r\n%s\r\n", more);
    say(fd, text);
    return fd;
}

static void events_arrive_in_order(void **state)
{
    struct server_fixture *x = *state;
    server_start(x);
    int fd = open_stream(x, "", 0);
    char *head = hear_until(fd, "\n\n");
    assert_non_null(strstr(head, "HTTP/1.1 200 OK"));
    assert_non_null(strstr(head, "Content-Type: text/event-stream"));
    assert_non_null(strstr(head, "Cache-Control: no-store"));
    assert_non_null(strstr(head, "X-Accel-Buffering: no"));
    assert_null(strstr(head, "Content-Length"));
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(ask(x, POST("/t/a/rows")), 201);
        assert_int_equal(ask(x, POST("/t/b/rows")), 201); /* another tenant's */
    }
    char *text = strdup("");
    int events = 0;
    while (events < 3) {
        char *more = hear_until(fd, "\n\n"), *at = more;
        while ((at = strstr(at, "event: row.written\ndata: {}\n\n")) != NULL) {
            events++;
            at++;
        }
        assert_true(*more);
        free(more);
    }
    assert_int_equal(events, 3);
    free(text);
    free(head);
    close(fd);
}

static void last_event_id_goes_on(void **state)
{
    struct server_fixture *x = *state;
    server_start(x);
    int fd = open_stream(x, "", 0);
    free(hear_until(fd, "retry: 2000\n\n"));
    assert_int_equal(ask(x, POST("/t/a/rows")), 201);
    char *first = hear_until(fd, "data: {}\n\n"), header[128];
    char *id = strstr(first, "id: ");
    assert_non_null(id);
    id[strcspn(id, "\n")] = '\0';
    snprintf(header, sizeof header, "Last-Event-ID: %s\r\n", id + 4);
    close(fd);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ask(x, POST("/t/a/rows")), 201);
    fd = open_stream(x, header, 0);
    char *missed = hear_until(fd, "data: {}\n\n");
    if (!strstr(strstr(missed, "row.written") + 1, "row.written"))
        free(hear_until(fd, "data: {}\n\n"));
    assert_null(strstr(missed, "resync"));
    close(fd);
    /* One that is not held, or never was. */
    fd = open_stream(x, "Last-Event-ID: nonsense\r\n", 0);
    char *gap = hear_until(fd, "event: resync\ndata: {}\n\n");
    assert_non_null(strstr(gap, "event: resync"));
    close(fd);
    free(gap);
    free(missed);
    free(first);
}

/* Who does not read loses events, not the server its memory. */
static void slow_reader_gets_a_gap(void **state)
{
    enum { EVENTS = 3000 };
    struct server_fixture *x = *state;
    server_start(x);
    int slow = open_stream(x, "", 2048), fd = dialled(x);
    free(hear_until(slow, "retry: 2000\n\n"));
    static char text[9000];
    static char body[8000];
    memset(body, 'z', sizeof body - 1);
    snprintf(text, sizeof text,
             "POST /t/a/rows HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
             "Prefer: durability=relaxed\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < EVENTS; i++) {
        say(fd, text);
        assert_int_equal(hear(fd), 201);
    }
    size_t held = mallinfo2().uordblks - before;
    assert_true(mallinfo2().uordblks < before || held < 12 << 20); /* of 24 MB */
    char *all = hear_until(slow, "event: resync");
    assert_non_null(strstr(all, "event: resync"));
    free(all);
    close(slow);
    close(fd);
    assert_int_equal(ask(x, POST("/t/a/rows")), 201);
}

static void many_streams_and_the_end(void **state)
{
    enum { STREAMS = 300 };
    struct server_fixture *x = *state;
    server_start(x);
    static int fds[STREAMS];
    for (int i = 0; i < STREAMS; i++) {
        fds[i] = open_stream(x, "", 0);
        free(hear_until(fds[i], "retry: 2000\n\n"));
    }
    for (int i = 0; i < STREAMS; i += 3)
        close(fds[i]);
    assert_int_equal(ask(x, POST("/t/a/rows")), 201);
    for (int i = 1; i < STREAMS; i += 3) {
        char *event = hear_until(fds[i], "data: {}\n\n");
        assert_non_null(strstr(event, "row.written"));
        free(event);
    }
    server_stop(x);
    for (int i = 1; i < STREAMS; i += 3) {
        char *end = hear_until(fds[i], NULL);
        assert_non_null(strstr(end, "retry: 1000"));
        free(end);
    }
    for (int i = 0; i < STREAMS; i++)
        if (i % 3)
            close(fds[i]);
}

static void refused_streams_are_answered(void **state)
{
    struct server_fixture *x = *state;
    x->engine->config.create_open = false;
    server_start(x);
    assert_int_equal(ask(x, GET("/t/absent/events")), 404);
    assert_int_equal(ask(x, GET("/t/-bad/events")), 400);
    assert_int_equal(ask(x, "GET /t/a/events HTTP/1.1\r\nHost: localhost\r\n"
                            "Accept: application/json\r\n\r\n"),
                     406);
}

#define test(f) cmocka_unit_test_setup_teardown(f, server_setup, server_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(events_arrive_in_order),       test(last_event_id_goes_on),
        test(slow_reader_gets_a_gap),       test(many_streams_and_the_end),
        test(refused_streams_are_answered),
    };
    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
