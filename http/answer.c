/*
 * The last step of every request: conditions, headers of the framework, and
 * the whole answer as bytes where the HTTP library does not send it.
 */
#include <stdio.h>
#include <time.h>

#include "http/etag.h"
#include "http/exchange.h"
#include "http/negotiate.h"
#include "http/server.h"

static const char page_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
static const char data_policy[] = "default-src 'none'; frame-ancestors 'none'";

const char *status_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {204, "No Content"},
        {303, "See Other"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Error";
}

static void add(struct exchange *ex, struct str name, struct str value)
{
    if (ex->n_headers < EXCHANGE_HEADERS_MAX && value.p)
        ex->headers[ex->n_headers++] = (struct header){name, value};
}

/* As add(), but what the application set goes first. */
static void add_standard(struct exchange *ex, struct str name, struct str value)
{
    for (unsigned i = 0; i < ex->rq.n_headers; i++)
        if (str_eq_nocase(ex->rq.headers[i].name, name))
            return;
    add(ex, name, value);
}

static bool has_content(int status)
{
    return status != 204 && status != 304;
}

/* GET and HEAD: 304 where the client has it, 412 where it asked for another. */
static void check_conditions(struct exchange *ex)
{
    struct request *rq = &ex->rq;
    bool read = rq->method == HTTP_GET || rq->method == HTTP_HEAD;
    if (!read || rq->status != 200 || rq->etag.n == 0)
        return;
    if (etag_compare(&ex->head, STR("If-Match"), rq->etag, false) == ETAG_NO_MATCH) {
        ex->rc = request_fail(rq, ERR_PRECONDITION, "If-Match names another version");
        return;
    }
    if (etag_compare(&ex->head, STR("If-None-Match"), rq->etag, true) == ETAG_MATCH) {
        rq->status = 304; /* the body stays: its length is told, not its bytes */
    }
}

static void add_type(struct exchange *ex)
{
    struct request *rq = &ex->rq;
    const char *type = rq->out_type ? rq->out_type : media_type(rq->accepts);
    if (has_content(rq->status) && (rq->out.n > 0 || rq->method == HTTP_HEAD))
        add(ex, STR("Content-Type"), str_from(type));
    bool page = str_starts(str_from(type), STR("text/html"));
    add_standard(ex, STR("Content-Security-Policy"), str_from(page ? page_policy : data_policy));
}

static void add_caching(struct exchange *ex)
{
    struct request *rq = &ex->rq;
    if (rq->etag.n)
        add(ex, STR("ETag"), rq->etag);
    bool shown = rq->status < 400 && rq->route && rq->route->produces;
    add_standard(ex, STR("Cache-Control"), shown ? STR("private, no-cache") : STR("no-store"));
    if (rq->route && (rq->route->flags & ROUTE_TENANT))
        add_standard(ex, STR("Vary"), STR("X-Tenant, Accept, Host"));
    else
        add_standard(ex, STR("Vary"), STR("Accept"));
}

static void add_security(struct exchange *ex)
{
    add(ex, STR("X-Content-Type-Options"), STR("nosniff"));
    add(ex, STR("Referrer-Policy"), STR("same-origin"));
    add(ex, STR("Cross-Origin-Opener-Policy"), STR("same-origin"));
    add(ex, STR("Cross-Origin-Resource-Policy"), STR("same-origin"));
}

/* Seconds after which the client may try again; 0: nothing to say. */
static int retry_after(const struct exchange *ex)
{
    if (ex->rq.status == 429)
        return (int)(60 - ex->loop->now_ns / NS_PER_S % 60);
    if (ex->rq.status == 409 && ex->fail_status == 409)
        return 1;
    if (ex->rq.status != 503)
        return 0;
    return ex->rc == ERR_BUSY || ex->rc == ERR_TIMEOUT || ex->rc == ERR_NOMEM ? 1 : 2;
}

static void add_outcome(struct exchange *ex)
{
    struct request *rq = &ex->rq;
    int wait = retry_after(ex);
    if (wait)
        add(ex, STR("Retry-After"), arena_printf(&ex->arena, "%d", wait));
    if (ex->extra_header_name.n)
        add(ex, ex->extra_header_name, ex->extra_header);
    if (ex->rc < 0 || !rq->route || !rq->route->write)
        return;
    const char *reached = durability_name(ex->job.reached);
    add(ex, STR("Rowhouse-Durability"), str_from(reached));
    if (ex->durability_asked && ex->job.reached >= ex->job.durability)
        add(ex, STR("Preference-Applied"),
            arena_printf(&ex->arena, "durability=%s", durability_name(ex->job.durability)));
    if (ex->idem.replayed)
        add(ex, STR("Idempotency-Replayed"), STR("true"));
}

void answer_finish(struct exchange *ex)
{
    struct request *rq = &ex->rq;
    if (ex->rc == 0 && rq->status == 0)
        rq->status = rq->route && rq->route->success ? rq->route->success : 200;
    if (ex->rc == 0)
        check_conditions(ex);
    if (ex->rc < 0)
        problem_answer(ex);
    add(ex, STR("X-Request-Id"), rq->id);
    add_type(ex);
    add_caching(ex);
    add_security(ex);
    add_outcome(ex);
    if (ex->loop->draining || atomic_load(&ex->srv->stopping))
        ex->must_close = true;
    ex->state = EXCHANGE_READY;
}

static void print_header(struct buf *out, struct str name, struct str value)
{
    buf_add(out, name);
    buf_lit(out, ": ");
    buf_add(out, value);
    buf_lit(out, "\r\n");
}

void answer_print(struct exchange *ex, bool body, struct buf *out)
{
    const struct request *rq = &ex->rq;
    char date[40];
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    buf_printf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: close\r\n", rq->status,
               status_reason(rq->status), date);
    for (size_t i = 0; i < ex->n_headers; i++)
        print_header(out, ex->headers[i].name, ex->headers[i].value);
    for (unsigned i = 0; i < rq->n_headers; i++)
        print_header(out, rq->headers[i].name, rq->headers[i].value);
    if (body)
        buf_printf(out, "Content-Length: %zu\r\n", rq->out.n);
    buf_lit(out, "\r\n");
    if (body)
        buf_add(out, buf_str(&rq->out));
}
