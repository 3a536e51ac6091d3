/*
 * What handlers ask of a request and say in its answer (http/http.h).
 */
#include <stdarg.h>
#include <stdio.h>

#include "http/cursor.h"
#include "http/etag.h"
#include "http/exchange.h"
#include "http/form.h"
#include "http/server.h"

struct optstr request_header(struct request *rq, const char *name)
{
    return head_find(&exchange_of(rq)->head, str_from(name), NULL);
}

int request_query(struct request *rq, const char *name, struct str *ret)
{
    return form_find(rq->arena, rq->query, str_from(name), ret, &rq->err);
}

int request_form(struct request *rq, const char *name, struct str *ret)
{
    return form_find(rq->arena, rq->body, str_from(name), ret, &rq->err);
}

int request_limit(struct request *rq, unsigned standard, unsigned max, unsigned *ret)
{
    struct str text;
    uint64_t value;
    int found = request_query(rq, "limit", &text);
    if (found < 0)
        return found;
    if (found == 0) {
        *ret = standard;
        return 0;
    }
    if (!str_to_u64(text, max, &value) || value == 0)
        return request_fail(rq, ERR_MALFORMED, "`limit` must be a number from 1 to %u", max);
    *ret = (unsigned)value;
    return 0;
}

/* A cursor is good for its tenant, path pattern and query only. */
static struct cursor_scope scope_of(struct request *rq, struct str binding)
{
    return (struct cursor_scope){.secret = rq->server->config.secret,
                                 .tenant = tenant_name_str(&rq->tenant),
                                 .route = str_from(rq->route->path),
                                 .binding = binding};
}

int request_cursor(struct request *rq, struct str binding, struct str *ret_position)
{
    struct str text;
    int found = request_query(rq, "cursor", &text);
    if (found <= 0)
        return found;
    struct cursor_scope scope = scope_of(rq, binding);
    int rc = cursor_read(&scope, text, rq->arena, ret_position, &rq->err);
    return rc < 0 ? rc : 1;
}

bool request_if_match(struct request *rq, struct str etag)
{
    const struct head *head = &exchange_of(rq)->head;
    if (etag_compare(head, STR("If-Match"), etag, false) == ETAG_NO_MATCH) {
        request_fail(rq, ERR_PRECONDITION,
                     etag.n ? "If-Match names another version: it has changed in the meantime"
                            : "If-Match is given, but there is nothing to match");
        return false;
    }
    if (etag_compare(head, STR("If-None-Match"), etag, true) == ETAG_MATCH) {
        request_fail(rq, ERR_PRECONDITION, "If-None-Match names the version that is there");
        return false;
    }
    return true;
}

bool request_may_create(const struct request *rq)
{
    return !rq->server->config.tenant_create_closed;
}

int request_fail(struct request *rq, int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    request_format(rq->err.text, sizeof rq->err.text, fmt, args);
    va_end(args);
    rq->err.code = (enum err_code)code;
    return code;
}

void request_field_error(struct request *rq, const char *field, const char *fmt, ...)
{
    char text[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    request_format(text, sizeof text, fmt, args);
    va_end(args);
    struct field_error *f = arena_new(rq->arena, struct field_error);
    if (f) {
        f->field = arena_copy(rq->arena, str_from(field));
        f->message = arena_copy(rq->arena, str_from(text));
    }
    if (!f || !f->field.p || !f->message.p) {
        request_fail(rq, ERR_NOMEM, "Out of memory");
        rq->out.failed = true; /* so that the request fails */
        return;
    }
    struct field_error **last = &rq->field_errors;
    while (*last)
        last = &(*last)->next;
    *last = f;
}

/* A value may not end its line. */
static struct str copy_value(struct request *rq, struct str value)
{
    char *copy = arena_alloc(rq->arena, value.n + 1);
    if (!copy)
        return (struct str){NULL, 0};
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        copy[i] = c < 0x20 || c == 0x7f ? '?' : value.p[i];
    }
    return str_make(copy, value.n);
}

void response_header(struct request *rq, const char *name, struct str value)
{
    struct str copy = copy_value(rq, value);
    if (!copy.p || rq->n_headers == sizeof rq->headers / sizeof *rq->headers) {
        rq->out.failed = true; /* so that the request fails */
        return;
    }
    rq->headers[rq->n_headers++] = (struct header){str_from(name), copy};
}

void response_location(struct request *rq, struct str path)
{
    response_header(rq, "Location", path);
}

int response_see_other(struct request *rq, struct str path)
{
    rq->status = 303;
    buf_reset(&rq->out);
    response_location(rq, path);
    return 0;
}

/* The query of this request without `cursor`, with the new one. */
static void print_query(struct request *rq, struct str cursor, struct buf *out)
{
    struct str rest = rq->query.n ? rq->query : (struct str){NULL, 0};
    while (rest.p) {
        struct str pair = str_cut(&rest, '&'), value = pair, key = str_cut(&value, '='), name;
        if (pair.n == 0 || percent_decode(rq->arena, key, true, &name, NULL) < 0 ||
            str_eq(name, STR("cursor")))
            continue;
        buf_add(out, pair);
        buf_char(out, '&');
    }
    buf_lit(out, "cursor=");
    buf_add(out, cursor);
}

struct str request_next_url(struct request *rq, struct str binding, struct str position)
{
    struct cursor_scope scope = scope_of(rq, binding);
    struct str cursor = cursor_make(&scope, position, rq->arena), url = {NULL, 0};
    struct buf out = BUF_INIT;
    if (cursor.p) {
        buf_add(&out, rq->path);
        buf_char(&out, '?');
        print_query(rq, cursor, &out);
        if (buf_ok(&out))
            url = arena_copy(rq->arena, buf_str(&out));
    }
    buf_free(&out);
    if (!url.p) {
        rq->out.failed = true; /* so that the request fails */
        return STR("");
    }
    return url;
}

void response_link_next(struct request *rq, struct str binding, struct str position)
{
    struct str url = request_next_url(rq, binding, position);
    struct str link = arena_printf(rq->arena, "<%.*s>; rel=\"next\"", STR_ARG(url));
    if (link.p)
        response_header(rq, "Link", link);
}
