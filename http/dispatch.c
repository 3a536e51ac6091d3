/*
 * From a request's head to its route, and through the route's functions.
 *
 * The order of the checks is part of the contract: head (400), path (404),
 * method (405), tenant (400), Idempotency-Key (400), Accept (406), Content-Type
 * (415), size (413), origin (403); then, with the body there, how many
 * tenants a client makes (429) and keys in progress (409).
 */
#include <assert.h>
#include <stdarg.h>

#include "http/exchange.h"
#include "http/negotiate.h"
#include "http/server.h"
#include "http/stream.h"
#include "http/wire.h"

int exchange_refuse(struct exchange *ex, int status, const char *type, const char *fmt, ...)
{
    char text[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    request_format(text, sizeof text, fmt, args);
    va_end(args);
    request_fail(&ex->rq, ERR_MALFORMED, "%s", text);
    ex->rq.problem = type;
    ex->fail_status = status;
    ex->rc = ERR_MALFORMED;
    return ERR_MALFORMED;
}

/* Errors before the negotiation: browsers get a page where the path has pages
 * or is none, scripts the problem document. */
static void guess_accepts(struct exchange *ex)
{
    unsigned set = ex->pattern ? pattern_produces(ex->pattern) : MEDIA_JSON | MEDIA_HTML;
    enum media wish = negotiate_accept(&ex->head, set & (MEDIA_JSON | MEDIA_HTML));
    ex->rq.accepts = wish == MEDIA_HTML && ex->srv->config.error_page ? MEDIA_HTML : MEDIA_JSON;
}

static int find_route(struct exchange *ex)
{
    struct request *rq = &ex->rq;
    int rc =
        router_match(&ex->srv->router, rq->path, &ex->arena, &ex->pattern, rq->params, &rq->err);
    guess_accepts(ex);
    if (rc < 0 || rq->method == HTTP_OPTIONS)
        return rc;
    rq->route = pattern_route(ex->pattern, rq->method);
    if (rq->route)
        return 0;
    struct buf allow = BUF_INIT;
    pattern_allow(ex->pattern, &allow);
    ex->extra_header_name = STR("Allow");
    ex->extra_header = arena_copy(&ex->arena, buf_str(&allow));
    buf_free(&allow);
    return exchange_refuse(ex, 405, "method-not-allowed", "This path does not know the method %.*s",
                           STR_ARG(ex->head.method));
}

/* The type of the body and its coding. A body that is not there is the
 * route's business. */
static int check_content(struct exchange *ex)
{
    struct request *rq = &ex->rq;
    struct str coding = optstr_or(head_find(&ex->head, STR("Content-Encoding"), NULL), STR(""));
    if (coding.n && !str_eq_nocase(coding, STR("identity"))) {
        ex->extra_header_name = STR("Accept-Encoding");
        ex->extra_header = STR("identity");
        return exchange_refuse(ex, 415, "unsupported-media-type",
                               "No Content-Encoding is read here");
    }
    bool has_body = ex->in.chunked || ex->in.length > 0;
    if (!has_body && !optstr_is_some(head_find(&ex->head, STR("Content-Type"), NULL)))
        return 0;
    rq->content = negotiate_content(&ex->head, rq->route->consumes);
    if (rq->content)
        return 0;
    struct buf list = BUF_INIT;
    media_list(rq->route->consumes, &list);
    ex->extra_header_name = STR("Accept");
    ex->extra_header = arena_copy(&ex->arena, buf_str(&list));
    exchange_refuse(ex, 415, "unsupported-media-type", "The body must be %s in UTF-8",
                    buf_cstr(&list));
    buf_free(&list);
    return ERR_MALFORMED;
}

static int check_media(struct exchange *ex)
{
    struct request *rq = &ex->rq;
    const struct route *route = rq->route;
    enum media accepts =
        route->produces ? negotiate_accept(&ex->head, route->produces) : rq->accepts; /* a file */
    if (!accepts && (route->flags & ROUTE_ANY_ACCEPT))
        accepts = (enum media)route->produces;
    if (accepts) {
        rq->accepts = accepts;
        return route->consumes ? check_content(ex) : 0;
    }
    struct buf list = BUF_INIT;
    media_list(route->produces, &list);
    exchange_refuse(ex, 406, "not-acceptable", "This path answers with %s", buf_cstr(&list));
    buf_free(&list);
    return ERR_MALFORMED;
}

static int check_size(struct exchange *ex)
{
    const struct route *route = ex->rq.route;
    ex->body_max = route->body_max ? route->body_max : HTTP_BODY_MAX;
    if (ex->in.length > ex->body_max)
        return exchange_refuse(ex, 413, "too-large", "The body is larger than %zu bytes",
                               ex->body_max);
    return 0;
}

/* A form may only be posted from our own pages: a browser says where from. */
static int check_origin(struct exchange *ex)
{
    size_t sites, origins;
    struct str site = optstr_or(head_find(&ex->head, STR("Sec-Fetch-Site"), &sites), STR(""));
    struct str origin = optstr_or(head_find(&ex->head, STR("Origin"), &origins), STR(""));
    bool ok = true;
    if (sites > 0) {
        ok = sites == 1 && (str_eq(site, STR("same-origin")) || str_eq(site, STR("none")));
    } else if (origins > 0) {
        bool http = str_starts(origin, STR("http://")), https = str_starts(origin, STR("https://"));
        struct str host = str_sub(origin, https ? 8 : 7, origin.n);
        ok = origins == 1 && (http || https) && str_eq_nocase(host, ex->in.host);
    }
    return ok ? 0 : exchange_refuse(ex, 403, "cross-site", "The form was posted from another site");
}

static int find_tenant(struct exchange *ex)
{
    struct request *rq = &ex->rq;
    enum tenant_source source = TENANT_BY_DEFAULT;
    struct optstr in_path = ex->pattern->tenant_param >= 0
                                ? optstr_some(rq->params[ex->pattern->tenant_param])
                                : optstr_none();
    int rc = tenant_resolve(&ex->srv->tenants, &ex->head, rq->host, in_path, &rq->tenant, &source,
                            &rq->err);
    rq->tenant_in_path = source == TENANT_BY_PATH;
    if (!(rq->route->flags & ROUTE_TENANT))
        rq->tenant = (struct tenant_name){0}; /* only its name had to be right */
    return rc;
}

static int check_route(struct exchange *ex)
{
    const struct route *route = ex->rq.route;
    int rc = 0;
    if (!(route->flags & ROUTE_NO_TENANT))
        rc = find_tenant(ex);
    if (rc == 0 && (route->flags & ROUTE_IDEMPOTENT))
        rc = idempotent_read(&ex->head, &ex->idem, &ex->rq.err);
    if (rc == 0)
        rc = check_media(ex);
    if (rc == 0)
        rc = check_size(ex);
    if (rc == 0 && (route->flags & ROUTE_PAGE_POST) && ex->rq.content == MEDIA_FORM)
        rc = check_origin(ex);
    return rc;
}

static int check_path(struct exchange *ex)
{
    ex->body_max = HTTP_BODY_MAX;
    if (str_eq(ex->rq.path, STR("*")))
        return 0;
    int rc = find_route(ex);
    if (rc < 0 || ex->rq.method == HTTP_OPTIONS)
        return rc;
    return check_route(ex);
}

void dispatch_head(struct exchange *ex)
{
    struct request *rq = &ex->rq;
    int status = 400;
    rq->path = rq->query = rq->host = STR("");
    rq->method = HTTP_OTHER;
    if (screen_head(&ex->head, &ex->in, &status, &rq->err) < 0) {
        const char *type = status == 414   ? "target-too-long"
                           : status == 417 ? "expectation-failed"
                           : status == 431 ? "headers-too-large"
                                           : "malformed";
        rq->problem = type;
        ex->fail_status = status;
        ex->rc = rq->err.code;
        ex->refused = ex->must_close = true;
        return;
    }
    rq->method = ex->in.method;
    rq->path = ex->in.path;
    rq->query = ex->in.query;
    rq->host = ex->in.host;
    ex->must_close = !ex->in.keep_alive || ex->in.chunked;
    ex->rc = check_path(ex);
    ex->refused = ex->rc < 0;
    /* Asked for leave to send more than is taken: no. */
    if (ex->refused && ex->fail_status == 413)
        ex->must_close = ex->must_close || ex->in.expects_continue;
}

static int answer_options(struct exchange *ex)
{
    struct buf allow = BUF_INIT;
    if (ex->pattern)
        pattern_allow(ex->pattern, &allow);
    else
        buf_lit(&allow, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    ex->extra_header_name = STR("Allow");
    ex->extra_header = arena_copy(&ex->arena, buf_str(&allow));
    ex->rq.status = 204;
    buf_free(&allow);
    return 0;
}

/* What `prepare` left stays, what came after it is forgotten: a read may be
 * called twice. */
static void forget_answer(struct exchange *ex)
{
    struct request *rq = &ex->rq;
    rq->status = 0;
    buf_reset(&rq->out);
    rq->out_type = ex->kept_type;
    rq->n_headers = ex->kept_headers;
    rq->etag = STR("");
    rq->err = (struct err)ERR_INIT;
    rq->field_errors = NULL;
    rq->problem = NULL;
}

/* A wrong field, or a failure that was noted but not returned, is one. */
static int outcome(struct exchange *ex, int rc)
{
    struct request *rq = &ex->rq;
    if (rc < 0)
        return rc;
    if (rq->field_errors && rq->status < 400)
        return ERR_INVALID;
    return buf_ok(&rq->out) ? 0 : request_fail(rq, ERR_NOMEM, "Out of memory for the answer");
}

static struct exchange *exchange_of_job(struct job *job)
{
    return (struct exchange *)(void *)((char *)job - offsetof(struct exchange, job));
}

static int job_read(struct job *job, struct reader *r)
{
    struct exchange *ex = exchange_of_job(job);
    forget_answer(ex);
    return outcome(ex, ex->rq.route->read(&ex->rq, r));
}

static int job_write(struct job *job, struct write_tx *tx)
{
    struct exchange *ex = exchange_of_job(job);
    forget_answer(ex);
    if (ex->idem.key.n) {
        int rc = idempotent_replay(ex, tx);
        if (rc != 0)
            return rc < 0 ? rc : 0;
    }
    int rc = outcome(ex, ex->rq.route->write(&ex->rq, tx));
    if (rc == 0 && ex->idem.key.n)
        rc = idempotent_keep(ex, tx);
    return rc;
}

static int job_task(struct job *job)
{
    struct exchange *ex = exchange_of_job(job);
    forget_answer(ex);
    return outcome(ex, ex->rq.route->task(&ex->rq));
}

/* Before a stream: the tenant is made where it may be, and can be used. */
static int job_open_stream(struct job *job, struct reader *r)
{
    (void)job;
    (void)r;
    return 0;
}

/* Takes what the engine says of the job; a text of ours goes first. */
static void take_result(struct exchange *ex, int rc)
{
    ex->rc = rc;
    if (rc < 0 && ex->rq.err.code != (enum err_code)rc)
        ex->rq.err = ex->job.err;
    if (rc < 0 && ex->rq.err.code == OK)
        err_set(&ex->rq.err, (enum err_code)rc, "%s", err_info(rc)->title);
    if (ex->idem.held)
        idempotent_release(&ex->srv->idempotent, &ex->idem);
}

/* Back on the loop. */
static void job_is_back(struct post *p)
{
    struct exchange *ex = (struct exchange *)(void *)((char *)p - offsetof(struct exchange, done));
    struct http_server *s = ex->srv;
    ex->job_out = false;
    take_result(ex, ex->rc);
    if (ex->client) {
        if (ex->rc < 0 || !ex->stream_opens)
            answer_finish(ex);
        wire_resume(ex->client);
    } else {
        exchange_free(ex);
    }
    server_unref(s);
}

/* On a thread of the engine. */
static void job_done(struct job *job, int rc)
{
    struct exchange *ex = exchange_of_job(job);
    struct http_server *s = ex->srv;
    ex->rc = rc;
    ex->done.run = job_is_back;
    server_ref(s); /* ours may be gone before loop_post() returns */
    loop_post(ex->loop, &ex->done);
    server_unref(s);
}

static enum exchange_step submit(struct exchange *ex)
{
    const struct route *route = ex->rq.route;
    struct job *job = &ex->job;
    job->tenant = ex->rq.tenant;
    job->create = (route->flags & ROUTE_CREATES) != 0;
    job->may_inline = true;
    /* from now, as all of the body is here: how long that took has its own limit */
    job->deadline_ns = ex->loop->now_ns + ex->srv->handler_timeout_ns;
    job->done = job_done;
    if (route->flags & ROUTE_EVENTS)
        job->read = job_open_stream;
    else if (route->read)
        job->read = job_read;
    else if (route->write)
        job->write = job_write;
    else
        job->task = job_task;
    server_ref(ex->srv);
    ex->job_out = true;
    int rc = engine_submit(ex->srv->engine, job);
    if (rc == ERR_AGAIN)
        return STEP_WAIT;
    ex->job_out = false;
    server_unref(ex->srv);
    take_result(ex, rc);
    if (rc == 0 && ex->stream_opens)
        return STEP_STREAM;
    answer_finish(ex);
    return STEP_READY;
}

static bool parse_durability(struct exchange *ex)
{
    size_t at = 0;
    for (struct optstr v; optstr_is_some(v = head_next(&ex->head, STR("Prefer"), &at));) {
        struct str rest = optstr_or(v, STR(""));
        while (rest.p) {
            struct str value = str_trim(str_cut(&rest, ','));
            value = str_trim(str_cut(&value, ';'));
            struct str key = str_trim(str_cut(&value, '='));
            value = value.p ? str_trim(value) : STR("");
            if (value.n >= 2 && value.p[0] == '"')
                value = str_sub(value, 1, value.n - 2);
            /* The first one counts (RFC 7240, section 2), also a wrong one. */
            if (str_eq_nocase(key, STR("durability")))
                return durability_parse(value, &ex->job.durability);
        }
    }
    return false;
}

/* How many tenants a client makes in a minute. */
static int check_creation(struct exchange *ex)
{
    const struct http_server *s = ex->srv;
    if (!(ex->rq.route->flags & ROUTE_CREATES) || s->config.tenant_create_closed ||
        catalog_has(s->engine, &ex->rq.tenant) ||
        limits_create(&ex->srv->limits, &ex->client->address, ex->client->local, ex->loop->now_ns))
        return 0;
    ex->rc = request_fail(&ex->rq, ERR_RATE, "Too many new tenants from your address this minute");
    return ex->rc;
}

static int check_before_run(struct exchange *ex)
{
    int rc = check_creation(ex);
    if (rc < 0 || ex->idem.key.n == 0)
        return rc;
    idempotent_hash(ex);
    if (!idempotent_hold(&ex->srv->idempotent, &ex->idem, &ex->rq.tenant))
        return exchange_refuse(ex, 409, "idempotency-key-in-progress",
                               "A request with this Idempotency-Key is in progress");
    return 0;
}

/* What is wrong with a request to a tenant that is not there, and is not made,
 * does not matter. */
static int without_tenant(struct exchange *ex, int rc)
{
    struct request *rq = &ex->rq;
    if (rc >= 0 || !(rq->route->flags & ROUTE_TENANT) || request_may_create(rq) ||
        catalog_has(ex->srv->engine, &rq->tenant))
        return rc;
    rq->field_errors = NULL;
    rq->problem = NULL;
    ex->fail_status = 0;
    return request_fail(rq, ERR_NOT_FOUND, "there is no tenant %.*s",
                        STR_ARG(tenant_name_str(&rq->tenant)));
}

static int run_here(struct exchange *ex)
{
    struct request *rq = &ex->rq;
    if (!rq->route)
        return str_eq(rq->path, STR("*")) || rq->method == HTTP_OPTIONS ? answer_options(ex) : 0;
    int rc = check_before_run(ex);
    if (rc == 0 && rq->route->prepare)
        rc = without_tenant(ex, outcome(ex, rq->route->prepare(rq)));
    if (rc == 0 && rq->route->answer)
        rc = outcome(ex, rq->route->answer(rq));
    return rc;
}

enum exchange_step dispatch_run(struct exchange *ex)
{
    const struct route *route = ex->rq.route;
    ex->rc = run_here(ex);
    bool job = route && (route->read || route->write || route->task);
    bool events = route && (route->flags & ROUTE_EVENTS);
    if (ex->rc == 0 && (job || events)) {
        /* HEAD does all that GET does but the stream. */
        ex->stream_opens = events && ex->rq.method == HTTP_GET;
        if (events && !ex->stream_opens)
            stream_headers(&ex->rq);
        ex->kept_headers = ex->rq.n_headers;
        ex->kept_type = ex->rq.out_type;
        ex->job.durability = ex->srv->config.durability;
        ex->durability_asked = route->write && parse_durability(ex);
        return submit(ex);
    }
    answer_finish(ex);
    return STEP_READY;
}
