/*
 * The life of an exchange. Each loop keeps some of them, with their memory,
 * for the next requests.
 */
#include "http/exchange.h"

#include <assert.h>
#include <stdlib.h>

#include "base/fault.h"
#include "http/access.h"
#include "http/server.h"
#include "http/wire.h"

enum { KEPT_BUFFER_MAX = 64 << 10, KEPT_ARENA_MAX = 64 << 10, DISCARD_MAX = 16 << 20 };

static struct exchange *take_free(struct loop *l)
{
    struct exchange *ex = l->free_exchanges;
    if (!ex)
        return fault_calloc(1, sizeof *ex);
    l->free_exchanges = ex->next_free;
    l->n_free_exchanges--;
    return ex;
}

void exchange_destroy(struct exchange *ex)
{
    json_decref(ex->json);
    arena_free(&ex->arena);
    buf_free(&ex->body);
    buf_free(&ex->rq.out);
    free(ex);
}

/* Forgets all but the memory that is worth keeping. */
static void reset(struct exchange *ex)
{
    struct arena arena = ex->arena;
    struct buf body = ex->body, out = ex->rq.out;
    json_decref(ex->json);
    if (arena.used_bytes > KEPT_ARENA_MAX)
        arena_free(&arena);
    else
        arena_reset(&arena);
    if (body.cap > KEPT_BUFFER_MAX)
        buf_free(&body);
    buf_reset(&body);
    if (out.cap > KEPT_BUFFER_MAX)
        buf_free(&out);
    buf_reset(&out);
    *ex = (struct exchange){.arena = arena, .body = body, .rq.out = out};
}

void exchange_free(struct exchange *ex)
{
    if (!ex)
        return;
    if (ex->idem.held)
        idempotent_release(&ex->srv->idempotent, &ex->idem);
    if (ex->job_out) {
        ex->client = NULL; /* freed when the job is back */
        return;
    }
    struct loop *l = ex->loop;
    if (l->n_free_exchanges >= LOOP_FREE_EXCHANGES_MAX) {
        exchange_destroy(ex);
        return;
    }
    reset(ex);
    ex->next_free = l->free_exchanges;
    l->free_exchanges = ex;
    l->n_free_exchanges++;
}

static struct exchange *make(struct client *c)
{
    struct exchange *ex = take_free(c->loop);
    if (!ex)
        return NULL;
    ex->loop = c->loop;
    ex->client = c;
    ex->srv = c->loop->server;
    ex->started_ns = c->loop->now_ns;
    ex->rq.server = ex->srv;
    ex->rq.engine = ex->srv->engine;
    ex->rq.arena = &ex->arena;
    ex->rq.accepts = MEDIA_JSON;
    return ex;
}

static struct str rebase(struct str s, const char *from, const char *to)
{
    return str_make(to + (s.p - from), s.n);
}

static bool copy_head(struct exchange *ex, const struct head *head, const char *base, size_t n)
{
    char *copy = arena_alloc(&ex->arena, n + 1);
    struct header *fields = arena_alloc(&ex->arena, (head->n_headers + 1) * sizeof *fields);
    struct str client = arena_copy(&ex->arena, str_from(ex->client->text));
    if (!copy || !fields || !client.p)
        return false;
    memcpy(copy, base, n);
    for (size_t i = 0; i < head->n_headers; i++) {
        fields[i].name = rebase(head->headers[i].name, base, copy);
        fields[i].value = rebase(head->headers[i].value, base, copy);
    }
    ex->head = *head;
    ex->head.headers = fields;
    ex->head.method = rebase(head->method, base, copy);
    ex->head.target = rebase(head->target, base, copy);
    ex->rq.client = client;
    return true;
}

struct exchange *exchange_new(struct client *c, const struct head *head, const char *base, size_t n)
{
    struct exchange *ex = make(c);
    if (!ex)
        return NULL;
    if (!copy_head(ex, head, base, n)) {
        exchange_free(ex);
        return NULL;
    }
    access_request_id(ex);
    return ex;
}

struct exchange *exchange_instead(struct client *c, const struct exchange *from, int status,
                                  const char *type, const char *detail)
{
    struct exchange *ex = make(c);
    if (!ex)
        return NULL;
    if (from) {
        ex->started_ns = from->started_ns;
        ex->pattern = from->pattern;
        ex->in.method = from->in.method;
        ex->rq.method = from->rq.method;
        ex->rq.accepts = from->rq.accepts;
        ex->rq.route = from->rq.route;
        ex->rq.tenant = from->rq.tenant;
        ex->rq.path = arena_copy(&ex->arena, from->rq.path);
        ex->rq.id = arena_copy(&ex->arena, from->rq.id);
        ex->rq.client = arena_copy(&ex->arena, from->rq.client);
        if (!ex->rq.path.p || !ex->rq.id.p || !ex->rq.client.p) {
            exchange_free(ex);
            return NULL;
        }
    } else {
        ex->in.method = ex->rq.method = HTTP_OTHER;
        ex->rq.path = STR("");
        ex->rq.client = STR("");
        access_request_id(ex);
    }
    ex->must_close = true;
    exchange_refuse(ex, status, type, "%s", detail);
    answer_finish(ex);
    return ex;
}

/* An error is certain: is it answered at once (the connection then ends, as
 * the body is not read), or after the body was read and dropped? */
static bool answers_at_once(const struct exchange *ex)
{
    bool has_body = ex->in.chunked || ex->in.length > 0;
    return ex->must_close || (has_body && (ex->in.expects_continue || ex->in.length > DISCARD_MAX));
}

bool exchange_begin(struct exchange *ex)
{
    dispatch_head(ex);
    if (!ex->refused) {
        ex->state = EXCHANGE_BODY;
        if (ex->in.length)
            buf_reserve(&ex->body, ex->in.length < ex->body_max ? ex->in.length : ex->body_max);
        return true;
    }
    ex->state = EXCHANGE_BODY;
    if (!answers_at_once(ex))
        return true;
    ex->must_close = true;
    answer_finish(ex);
    return false;
}

bool exchange_body(struct exchange *ex, struct str part)
{
    ex->body_seen += part.n;
    if (!ex->refused && ex->body_seen > ex->body_max) {
        exchange_refuse(ex, 413, "too-large", "The body is larger than %zu bytes", ex->body_max);
        ex->refused = true;
    }
    if (ex->refused && ex->body_seen > DISCARD_MAX) {
        ex->must_close = true;
        answer_finish(ex);
        return false;
    }
    if (!ex->refused)
        buf_add(&ex->body, part);
    if (!buf_ok(&ex->body) && !ex->refused) {
        request_fail(&ex->rq, ERR_NOMEM, "Out of memory for the body");
        ex->rc = ERR_NOMEM;
        ex->refused = true;
    }
    return true;
}

enum exchange_step exchange_run(struct exchange *ex)
{
    if (ex->state == EXCHANGE_READY)
        return STEP_READY;
    ex->state = EXCHANGE_RUNNING;
    if (ex->refused) {
        answer_finish(ex);
        return STEP_READY;
    }
    ex->rq.body = buf_str(&ex->body);
    return dispatch_run(ex);
}

enum exchange_step exchange_resumed(struct exchange *ex)
{
    if (ex->state == EXCHANGE_READY)
        return STEP_READY;
    return ex->job_out ? STEP_WAIT : STEP_STREAM;
}

void exchange_over(struct exchange *ex, bool sent)
{
    access_note(ex, sent);
    exchange_free(ex);
}
