/*
 * Bytes on a connection, through the HTTP library and all of http/ with the
 * application's routes, up to where the engine would be asked. Every request
 * that the server acts on must be the one that a strict reader finds in the
 * same place: the same method, target, fields and body. Behind a request that
 * such a reader refuses, or that ends the connection, nothing is acted on; the
 * library reads some wrong chunks in its own way, which is borne only where
 * the connection ends with them. It also takes a line that begins with a NUL or a
 * colon for the empty one, and writes over the bytes before anybody could see
 * it: where that leaves no trace, the input is given up. What is answered must
 * be well-formed.
 *
 * The first byte says in how large pieces the rest is sent (its lowest 7 bits;
 * 0: all at once) and whether the sending side is closed behind it. One loop
 * is run here, without its thread. The engine is replaced at link time
 * (--wrap).
 */
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/app.h"
#include "base/log.h"
#include "fuzz.h"
#include "http/client.h"
#include "http/exchange.h"
#include "http/server.h"
#include "http/wire.h"
#include "oracle.h"
#include "wire_oracle.h"

enum { REQUESTS_MAX = 64, TURNS_MAX = 2000, PIECES_MAX = 64, ROUTES_MAX = 128 };

static struct http_server server;
static struct loop loop;
static struct route routes[ROUTES_MAX];

/* What a strict reader finds. */
static struct wire_request expected[REQUESTS_MAX];
static enum wire_verdict verdicts[REQUESTS_MAX];
static size_t n_expected;

static struct str sent; /* all that the client sends */

/* What the server did. */
static size_t n_begun;
static bool over; /* the connection must end with the request before */
static bool lost; /* behind a WIRE_HIDDEN: nothing can be said */
static bool heads[REQUESTS_MAX];

bool __real_exchange_begin(struct exchange *ex);
bool __wrap_exchange_begin(struct exchange *ex);
enum exchange_step __real_exchange_run(struct exchange *ex);
enum exchange_step __wrap_exchange_run(struct exchange *ex);
int __wrap_engine_submit(struct engine *en, struct job *job);
bool __wrap_catalog_has(struct engine *en, const struct tenant_name *t);
int __wrap_feed_subscribe(struct engine *en, const struct tenant_name *t, struct str last_id,
                          void (*wake)(void *ctx), void *ctx, struct feed_subscription **ret,
                          bool *ret_gap, struct err *e);

static void check_fields(const struct head *head, const struct wire_request *want)
{
    FUZZ_CHECK(head->n_headers == want->n_fields);
    for (size_t i = 0; i < want->n_fields; i++) {
        FUZZ_SAME(head->headers[i].name, want->fields[i].name);
        FUZZ_SAME(head->headers[i].value, want->fields[i].value);
    }
}

/* Names are never changed on their way, so one that was not sent is from
 * somebody else's memory. */
static void check_names(const struct head *head)
{
    for (size_t i = 0; i < head->n_headers; i++) {
        struct str name = head->headers[i].name;
        FUZZ_CHECK(memmem(sent.p, sent.n, name.p, name.n) != NULL);
    }
}

bool __wrap_exchange_begin(struct exchange *ex)
{
    check_names(&ex->head);
    FUZZ_CHECK(lost || (!over && n_begun < n_expected));
    const struct wire_request *want = &expected[n_begun];
    struct str host;
    bool go_on = __real_exchange_begin(ex);
    if (verdicts[n_begun] == WIRE_HIDDEN)
        lost = true;
    if (lost)
        return go_on;
    heads[n_begun] = str_eq(ex->head.method, STR("HEAD"));
    if (!ex->refused) {
        FUZZ_CHECK(verdicts[n_begun] != WIRE_BAD_HEAD && verdicts[n_begun] != WIRE_NONE);
        FUZZ_SAME(ex->head.method, want->method);
        FUZZ_SAME(ex->head.target, want->target);
        check_fields(&ex->head, want);
        size_t hosts = wire_find(want, "Host", &host);
        FUZZ_CHECK(hosts == 1 || (hosts == 0 && want->minor == 0));
        FUZZ_CHECK(ex->must_close || want->keep_alive);
    }
    over = ex->must_close || verdicts[n_begun] != WIRE_WHOLE;
    FUZZ_CHECK(!over || verdicts[n_begun] != WIRE_BAD_HEAD || ex->must_close);
    n_begun++;
    return go_on;
}

enum exchange_step __wrap_exchange_run(struct exchange *ex)
{
    FUZZ_CHECK(lost || n_begun > 0);
    if (lost)
        return __real_exchange_run(ex);
    if (!ex->refused && verdicts[n_begun - 1] == WIRE_BAD_BODY) {
        FUZZ_CHECK(ex->must_close);
    } else if (!ex->refused) {
        FUZZ_CHECK(verdicts[n_begun - 1] == WIRE_WHOLE);
        FUZZ_SAME(buf_str(&ex->body), buf_str(&expected[n_begun - 1].body));
    }
    return __real_exchange_run(ex);
}

/* A Prefer that is one word is understood, none means the server's own. */
static void check_durability(const struct job *job)
{
    static const char *const words[] = {"durability=relaxed", "durability=local",
                                        "durability=replica"};
    struct str prefer;
    size_t n = wire_find(&expected[n_begun - 1], "Prefer", &prefer);
    FUZZ_CHECK(n > 0 || job->durability == DURABILITY_LOCAL);
    for (int i = 0; i < 3; i++)
        if (n == 1 && oracle_same_nocase(prefer, str_from(words[i])))
            FUZZ_CHECK((int)job->durability == i);
}

int __wrap_engine_submit(struct engine *en, struct job *job)
{
    struct exchange *ex = (struct exchange *)(void *)((char *)job - offsetof(struct exchange, job));
    char folded[64];
    FUZZ_CHECK(en == NULL && ex->rq.route);
    if (job->read || job->write)
        FUZZ_CHECK(oracle_tenant_name(tenant_name_str(&job->tenant), folded) &&
                   strcmp(folded, job->tenant.s) == 0);
    if (job->write && !lost)
        check_durability(job);
    job->reached = job->durability;
    ex->rq.status = ex->rq.route->success;
    if (ex->rq.status == 200 || ex->rq.status == 201)
        buf_lit(&ex->rq.out, "{}");
    return 0;
}

bool __wrap_catalog_has(struct engine *en, const struct tenant_name *t)
{
    FUZZ_CHECK(en == NULL && t->n > 0);
    return true;
}

int __wrap_feed_subscribe(struct engine *en, const struct tenant_name *t, struct str last_id,
                          void (*wake)(void *ctx), void *ctx, struct feed_subscription **ret,
                          bool *ret_gap, struct err *e)
{
    (void)last_id;
    (void)wake;
    (void)ctx;
    (void)ret;
    (void)ret_gap;
    FUZZ_CHECK(en == NULL && t->n > 0);
    return err_set(e, ERR_BUSY, "There are no streams here");
}

static void start_server(void)
{
    static const struct http_config config = {.header_timeout_ms = 10000,
                                              .body_timeout_ms = 20000,
                                              .keep_alive_ms = 60000,
                                              .handler_timeout_ms = 30000,
                                              .connections_per_address = -1,
                                              .tenant_create_rate = -1,
                                              .durability = DURABILITY_LOCAL,
                                              .error_page = app_error_page,
                                              .secret = "a secret of 32 bytes, no more.."};
    struct err e = ERR_INIT;
    size_t n = 0;
    signal(SIGPIPE, SIG_IGN);
    FUZZ_CHECK(log_configure(STR("off"), LOG_TEXT, &e) == 0);
    FUZZ_CHECK(app_route_count + builtin_route_count <= ROUTES_MAX);
    for (size_t i = 0; i < app_route_count; i++)
        routes[n++] = app_routes[i];
    for (size_t i = 0; i < builtin_route_count; i++)
        routes[n++] = builtin_routes[i];
    server.config = config;
    server.routes = routes;
    server.n_routes = n;
    server.handler_timeout_ns = config.handler_timeout_ms * NS_PER_MS;
    atomic_store(&server.refs, 1);
    limits_init(&server.limits, 64, -1, -1);
    idempotent_table_init(&server.idempotent);
    FUZZ_CHECK(tenant_rules_make(NULL, false, NULL, &server.tenants, &e) == 0);
    FUZZ_CHECK(router_make(routes, n, &server.router, &e) == 0);
    FUZZ_CHECK(loop_open(&loop, &server, 0, &e) == 0);
}

/* One turn of the loop, as loop.c makes it. False where nothing was to do. */
static bool turn(void)
{
    struct epoll_event events[16];
    int n = epoll_wait(loop.epoll_fd, events, 16, 0);
    loop.now_ns = clock_mono_ns();
    for (int i = 0; i < n; i++) {
        struct watch *w = events[i].data.ptr;
        w->ready(w, events[i].events);
    }
    struct mpsc_node *node = mpsc_take_all(&loop.posts);
    bool busy = n > 0 || node || loop.wire_due;
    while (node) {
        struct post *p = mpsc_entry(node, struct post, node);
        node = node->next;
        p->run(p);
    }
    if (loop.wire_due)
        loop.wire_due = wire_run(loop.wire);
    return busy;
}

static void run_until_idle(void)
{
    int turns = 0;
    while (turn())
        FUZZ_CHECK(turns++ < TURNS_MAX);
}

static void take_answer(int fd, struct buf *out)
{
    char bytes[16384];
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        buf_add(out, str_make(bytes, (size_t)n));
}

static void talk(struct str bytes, size_t piece, bool close_behind, struct buf *answer)
{
    const struct sockaddr_storage addr = {.ss_family = AF_UNIX};
    int pair[2];
    FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
    FUZZ_CHECK(client_open(&loop, pair[0], &addr));
    if (piece == 0 || bytes.n / piece > PIECES_MAX)
        piece = piece ? bytes.n / PIECES_MAX + 1 : bytes.n;
    while (bytes.n) {
        size_t n = bytes.n < piece ? bytes.n : piece;
        if (send(pair[1], bytes.p, n, MSG_NOSIGNAL) < 0)
            break; /* the server has closed */
        bytes = str_make(bytes.p + n, bytes.n - n);
        run_until_idle();
        take_answer(pair[1], answer);
    }
    if (close_behind)
        shutdown(pair[1], SHUT_WR);
    run_until_idle();
    take_answer(pair[1], answer);
    close(pair[1]);
    run_until_idle();
    FUZZ_CHECK(loop.n_clients == 0);
}

static void check_problem(const struct wire_response *r)
{
    json_t *j = json_loadb(r->body.p, r->body.n, JSON_REJECT_DUPLICATES, NULL);
    FUZZ_CHECK(j && json_integer_value(json_object_get(j, "status")) == r->status);
    FUZZ_CHECK(json_string_value(json_object_get(j, "request_id")) != NULL);
    json_decref(j);
}

/* As many answers as requests, one more where the library refused bytes that
 * never became one; the last one may be missing. */
static void check_answers(struct str answer)
{
    size_t n = 0;
    while (answer.n) {
        struct wire_response r;
        struct str again = answer;
        bool head = n < n_begun && heads[n] && verdicts[n] == WIRE_WHOLE;
        bool readable = wire_read_response(&answer, head, &r);
        if (!readable && !(n < n_begun && verdicts[n] == WIRE_WHOLE)) {
            answer = again; /* to something like a HEAD */
            readable = wire_read_response(&answer, true, &r);
        }
        FUZZ_CHECK(readable);
        if (r.status == 100)
            continue;
        FUZZ_CHECK(r.status >= 200 && r.status <= 599 && r.status != 500);
        FUZZ_CHECK(n <= n_begun);
        if (str_eq(r.type, STR("application/problem+json")) && r.body.n)
            check_problem(&r);
        n++;
    }
}

/* Reads until what follows cannot be known. */
static void read_expected(struct str bytes)
{
    bool more = true;
    n_expected = 0;
    while (more && n_expected < REQUESTS_MAX) {
        struct wire_request *r = &expected[n_expected];
        enum wire_verdict v = wire_read_request(&bytes, r);
        verdicts[n_expected++] = v;
        more = v == WIRE_WHOLE && r->keep_alive;
    }
}

void fuzz_one(struct str in, struct arena *a)
{
    static bool started;
    struct str rest = in;
    uint8_t how = fuzz_byte(&rest);
    struct buf answer = BUF_INIT;
    (void)a;
    if (!started)
        start_server();
    started = true;
    read_expected(rest);
    sent = rest;
    n_begun = 0;
    over = lost = false;
    if (n_expected < REQUESTS_MAX) {
        talk(rest, how & 127, how & 128, &answer);
        FUZZ_CHECK(*buf_cstr(&answer) || answer.n == 0); /* ends with a NUL, for sscanf */
        if (!lost)
            check_answers(buf_str(&answer));
    }
    for (size_t i = 0; i < n_expected; i++)
        buf_free(&expected[i].body);
    buf_free(&answer);
}
