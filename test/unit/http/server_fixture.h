/*
 * A server with a toy application over a real engine, and a client that speaks
 * through a socket byte by byte.
 *
 *   GET  /t/{t}/rows     how many rows, {"rows":N}
 *   POST /t/{t}/rows     one row more; an event row.written
 *   POST /t/{t}/hold     a write that waits until `hold` is posted
 *   GET  /t/{t}/events   the stream
 *   GET  /task           on a worker
 *   GET  /large          LARGE_BYTES of 'x'
 *   POST /small          takes 16 bytes
 */
#ifndef ROWHOUSE_TEST_UNIT_HTTP_SERVER_FIXTURE_H
#define ROWHOUSE_TEST_UNIT_HTTP_SERVER_FIXTURE_H

#include "test/unit/engine/engine_fixture.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/log.h"
#include "http/http.h"

enum { LARGE_BYTES = 32 << 20, SMALL_BYTES = 16 };

static sem_t toy_hold;
static _Atomic int toy_held; /* writes that wait now */
static _Atomic int toy_done; /* writes that have waited */

static inline int toy_count(struct request *rq, struct reader *r)
{
    buf_printf(&rq->out, "{\"rows\":%lld}", fixture_int(r->conn.db, "SELECT count(*) FROM row"));
    return 0;
}

static inline int toy_insert(struct request *rq, struct write_tx *tx)
{
    fixture_sql(tx->reader.conn.db, INSERT);
    buf_lit(&rq->out, "{}");
    return write_tx_emit(tx, STR("row.written"), rq->body.n ? rq->body : STR("{}"));
}

static inline int toy_wait(struct request *rq, struct write_tx *tx)
{
    atomic_fetch_add(&toy_held, 1);
    sem_wait(&toy_hold);
    atomic_fetch_sub(&toy_held, 1);
    int rc = toy_insert(rq, tx);
    atomic_fetch_add(&toy_done, 1);
    return rc;
}

static inline int toy_say(struct request *rq)
{
    buf_lit(&rq->out, "{\"task\":true}");
    return 0;
}

static inline int toy_large(struct request *rq)
{
    if (buf_reserve(&rq->out, LARGE_BYTES)) {
        memset(rq->out.p, 'x', LARGE_BYTES);
        rq->out.n = LARGE_BYTES;
    }
    return 0;
}

enum { TOY_TENANT = ROUTE_TENANT | ROUTE_CREATES };

static const struct route toy_routes[] = {
    {.method = HTTP_GET,
     .path = "/t/{t}/rows",
     .flags = TOY_TENANT,
     .produces = MEDIA_JSON,
     .read = toy_count,
     .success = 200},
    {.method = HTTP_POST,
     .path = "/t/{t}/rows",
     .flags = TOY_TENANT | ROUTE_IDEMPOTENT,
     .produces = MEDIA_JSON,
     .consumes = MEDIA_JSON,
     .write = toy_insert,
     .success = 201},
    {.method = HTTP_POST,
     .path = "/t/{t}/hold",
     .flags = TOY_TENANT | ROUTE_IDEMPOTENT,
     .produces = MEDIA_JSON,
     .consumes = MEDIA_JSON,
     .write = toy_wait,
     .success = 201},
    {.method = HTTP_GET,
     .path = "/t/{t}/events",
     .flags = TOY_TENANT | ROUTE_EVENTS,
     .produces = MEDIA_EVENTS,
     .success = 200},
    {.method = HTTP_GET, .path = "/task", .produces = MEDIA_JSON, .task = toy_say, .success = 200},
    {.method = HTTP_GET,
     .path = "/large",
     .produces = MEDIA_JSON,
     .answer = toy_large,
     .success = 200},
    {.method = HTTP_POST,
     .path = "/small",
     .produces = MEDIA_JSON,
     .consumes = MEDIA_JSON,
     .body_max = SMALL_BYTES,
     .answer = toy_say,
     .success = 200},
};

struct server_fixture {
    struct engine_fixture *engine;
    struct http_config config;
    struct http_server *server;
    int port;
};

static inline int server_setup(void **state)
{
    struct server_fixture *x = calloc(1, sizeof *x);
    void *engine = NULL;
    if (!x || engine_setup(&engine))
        return -1;
    log_configure(STR("off"), LOG_TEXT, NULL);
    sem_init(&toy_hold, 0, 0);
    atomic_store(&toy_held, 0);
    atomic_store(&toy_done, 0);
    x->engine = engine;
    x->engine->config.create_open = true;
    x->config = (struct http_config){.threads = 1,
                                     .header_timeout_ms = 2000,
                                     .body_timeout_ms = 2000,
                                     .keep_alive_ms = 5000,
                                     .handler_timeout_ms = 5000,
                                     .drain_ms = 3000,
                                     .connections_per_address = -1,
                                     .tenant_create_rate = -1,
                                     .routes = toy_routes,
                                     .route_count = COUNT_OF(toy_routes)};
    *state = x;
    return 0;
}

static inline void server_start(struct server_fixture *x)
{
    start(x->engine);
    assert_ok(http_start(&x->config, x->engine->en, &x->server, e));
    x->port = http_port(x->server);
}

static inline void server_stop(struct server_fixture *x)
{
    http_stop(x->server);
    x->server = NULL;
}

static inline int server_teardown(void **state)
{
    struct server_fixture *x = *state;
    fault_arm(FAULT_ALLOC, 0, false);
    for (int i = 0; i < 100; i++)
        sem_post(&toy_hold);
    http_stop(x->server);
    void *engine = x->engine;
    int rc = engine_teardown(&engine);
    free(x);
    return rc;
}

/* The client: a connection, or -1. */
static inline int dial(const struct server_fixture *x)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)x->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    const struct timeval most = {.tv_sec = 8};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

static inline int dialled(const struct server_fixture *x)
{
    int fd = dial(x);
    if (fd < 0)
        fail_msg("no connection");
    return fd;
}

static inline void say(int fd, const char *text)
{
    size_t n = strlen(text);
    while (n > 0) {
        ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        text += sent;
        n -= (size_t)sent;
    }
}

/* Reads until `mark` is there, or the end; NUL-terminated, malloc'd. */
static inline char *hear_until(int fd, const char *mark)
{
    size_t n = 0, cap = 4096;
    char *p = calloc(1, cap + 1);
    while (p && !(mark && strstr(p, mark))) {
        if (n == cap) {
            cap *= 2;
            p = realloc(p, cap + 1);
        }
        ssize_t got = recv(fd, p + n, cap - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
        p[n] = '\0';
    }
    return p;
}

/* The status of one answer with a Content-Length, which is read to its end; 0
 * where the connection ended before. */
static inline int hear(int fd)
{
    char head[8192] = "";
    size_t n = 0;
    while (n < sizeof head - 1 && !strstr(head, "\r\n\r\n")) {
        if (recv(fd, head + n, 1, 0) != 1)
            return 0;
        head[++n] = '\0';
    }
    const char *length = strstr(head, "Content-Length: ");
    long long rest = length ? atoll(length + 16) : 0;
    char sink[65536];
    while (rest > 0) {
        ssize_t got = recv(fd, sink, rest < (long long)sizeof sink ? (size_t)rest : sizeof sink, 0);
        if (got <= 0)
            return 0;
        rest -= got;
    }
    return strncmp(head, "HTTP/1.1 ", 9) == 0 ? atoi(head + 9) : -1;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define POST(path)                                                                                 \
    "POST " path " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"              \
    "Content-Length: 2\r\n\r\n{}"

/* One request on a connection of its own. */
static inline int ask(const struct server_fixture *x, const char *text)
{
    int fd = dial(x);
    if (fd < 0)
        return 0;
    say(fd, text);
    int status = hear(fd);
    close(fd);
    return status;
}

/* True once the other side has closed (within 8 s). */
static inline bool ended(int fd)
{
    char sink[4096];
    ssize_t n;
    while ((n = recv(fd, sink, sizeof sink, 0)) > 0)
        continue;
    return n == 0 || errno == ECONNRESET;
}

#endif
