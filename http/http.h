/*
 * What an application sees of HTTP: a table of routes, a request, its answer.
 *
 * A route names the functions that serve it, in the order in which they run:
 *   prepare  on the event loop: reads and checks what the client sent
 *   read     with a snapshot of the tenant (on the loop, or on a worker where
 *            it takes long; then it is called again from the start)
 *   write    in the tenant's write transaction, on a writer thread
 *   task     on a worker thread, without a tenant: may block for a while
 *   answer   on the event loop, without a tenant
 * at most one of read, write, task, answer. Each returns 0 once it has filled
 * the answer, or a negative code with request_fail(); the framework makes the
 * problem document or the error page of it.
 *
 * The framework does the rest: methods (HEAD, OPTIONS, 405), negotiation
 * (406, 415), limits (413, 414, 431), which tenant, idempotency keys,
 * durability preferences, conditional answers, request ids, logs, metrics.
 *
 * A request belongs to one thread at a time; no function here locks.
 */
#ifndef ROWHOUSE_HTTP_HTTP_H
#define ROWHOUSE_HTTP_HTTP_H

#include <jansson.h>

#include "base/asset.h"
#include "base/json.h"
#include "base/settings.h"
#include "engine/engine.h"

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PATCH,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_OTHER
};

/* Media types that a route reads or writes; a set of bits. */
enum media {
    MEDIA_JSON = 1,
    MEDIA_HTML = 2,
    MEDIA_FORM = 4, /* application/x-www-form-urlencoded */
    MEDIA_MERGE_PATCH = 8,
    MEDIA_EVENTS = 16, /* text/event-stream */
    MEDIA_TEXT = 32
};

enum route_flags {
    ROUTE_TENANT = 1,     /* resolves a tenant; a bad name is 400 */
    ROUTE_CREATES = 2,    /* a first access makes the tenant */
    ROUTE_IDEMPOTENT = 4, /* takes Idempotency-Key */
    ROUTE_PAGE_POST = 8,  /* a form: refused when posted from another site */
    ROUTE_EVENTS = 16     /* a stream of the tenant's feed; needs no function */
};

struct request;

/* A parameter of the query or path, for the OpenAPI document. */
struct param_doc {
    const char *name;
    const char *in;     /* "query", "path", "header" */
    const char *schema; /* JSON: {"type":"integer","minimum":1} */
    const char *help;
};

struct route {
    enum http_method method; /* GET serves HEAD too */
    const char *path;        /* "/tenant/{t}/items/{id}" */
    unsigned flags;
    unsigned produces; /* enum media; the first bit is what no preference gets */
    unsigned consumes; /* 0: no body is read */
    size_t body_max;   /* 0: HTTP_BODY_MAX */

    int (*prepare)(struct request *rq);
    int (*read)(struct request *rq, struct reader *r);
    int (*write)(struct request *rq, struct write_tx *tx);
    int (*task)(struct request *rq);
    int (*answer)(struct request *rq);

    /* for the OpenAPI document */
    const char *id; /* operationId */
    const char *summary;
    const struct param_doc *params; /* ends with a NULL name */
    const char *request_schema;     /* name in components/schemas, or NULL */
    const char *response_schema;
    int success; /* status of success: 200, 201, 204, 303 */
};

enum { HTTP_BODY_MAX = 1 << 20, HTTP_BATCH_BODY_MAX = 8 << 20 };

struct header {
    struct str name, value;
};

struct field_error {
    struct str field, message;
    struct field_error *next;
};

struct request {
    /* what the client asked; borrowed, valid as long as the request */
    enum http_method method;
    struct str path;  /* percent-decoded per segment in params; raw here */
    struct str query; /* raw, without '?' */
    struct str host;
    struct str body;
    enum media accepts; /* the one media type that was negotiated */
    enum media content; /* of the body */
    struct str client;  /* the peer's address as text */
    struct str id;      /* request id */
    const struct route *route;
    struct str params[4]; /* of the path, decoded, in order */
    struct tenant_name tenant;
    bool tenant_in_path; /* chosen by /tenant/{t}/…: links keep that form */

    /* the answer */
    int status;
    struct buf out;       /* its body */
    const char *out_type; /* NULL: by `accepts` */
    struct header headers[16];
    unsigned n_headers;
    struct str etag; /* with its quotes; "" for none */

    /* what went wrong */
    struct err err;
    struct field_error *field_errors; /* makes it 422 */
    const char *problem;              /* type that replaces the code's own */

    struct arena *arena; /* freed with the request */
    void *state;         /* the application's own, from prepare to answer */
    struct http_server *server;
    struct engine *engine;
};

/* Request side. */

/* A request header's value (the first), or none. */
struct optstr request_header(struct request *rq, const char *name);

/* A decoded query parameter. 1: present, 0: absent, ERR_MALFORMED: given twice
 * or not decodable (the error is set). */
int request_query(struct request *rq, const char *name, struct str *ret);

/* ?limit within 1..max, else the error is set. */
int request_limit(struct request *rq, unsigned standard, unsigned max, unsigned *ret);

/* ?cursor: authenticated, bound to tenant, route and `binding`. 1 present,
 * 0 absent, ERR_MALFORMED forged or foreign. */
int request_cursor(struct request *rq, struct str binding, struct str *ret_position);

/* The body as JSON: strict (duplicate keys, UTF-8, U+0000, numbers out of range
 * refused as ERR_MALFORMED, with line and column). *ret is freed with the
 * request. */
int request_json(struct request *rq, json_t **ret);

/* A form field, decoded; 1 present, 0 absent, ERR_MALFORMED. */
int request_form(struct request *rq, const char *name, struct str *ret);

/* True where the client's If-Match (if any) admits `etag`; else sets
 * ERR_PRECONDITION. For `write` functions. */
bool request_if_match(struct request *rq, struct str etag);

/* True where a first access makes a tenant (TENANT_CREATE=open). */
bool request_may_create(const struct request *rq);

/* Answer side. */

/* Sets rq->err and returns code. */
int request_fail(struct request *rq, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Notes a wrong field; the request then ends in 422 with all of them. */
void request_field_error(struct request *rq, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a header; the value is copied. */
void response_header(struct request *rq, const char *name, struct str value);

/* Link: <same path?query with this cursor>; rel="next" (RFC 8288). */
void response_link_next(struct request *rq, struct str binding, struct str position);

/* The URL of the next page as in Link, for pages. */
struct str request_next_url(struct request *rq, struct str binding, struct str position);

/* Location, from a path of our own. */
void response_location(struct request *rq, struct str path);

/* 303 to a path of our own. */
int response_see_other(struct request *rq, struct str path);

/* A strong ETag of 22 characters in quotes over the parts, each with its
 * length, BLAKE2b-128, in the arena. */
struct str etag_of(struct arena *arena, const struct str *parts, size_t n);

/* The server. */

struct problem {
    int status;
    const char *type; /* last part of "urn:rowhouse:problem:..." */
    const char *title;
    struct str detail;
    const struct field_error *fields;
};

struct http_config {
    const char *host; /* NULL: loopback, IPv4 and IPv6; or a list with commas */
    int64_t port;     /* 0: any free one */
    const char *admin_host;
    int64_t admin_port;  /* 0: off */
    bool admin_port_set; /* by somebody: then a taken port is an error */
    const char *base_domain;
    bool base_domain_set;
    int64_t threads; /* event loops; 0: one a core */
    int64_t header_timeout_ms, body_timeout_ms, keep_alive_ms, handler_timeout_ms, drain_ms;
    int64_t connections_max;
    int64_t connections_per_address; /* -1: 256, none from loopback */
    int64_t tenant_create_rate;      /* -1: 60 a minute, none from loopback */
    bool tenant_create_closed;       /* no request makes a tenant: no rate applies */
    bool durability_set;             /* else: local */
    enum durability durability;      /* of writes that ask for nothing */
    const struct route *routes;
    size_t route_count;
    const struct asset *assets;
    size_t asset_count;
    const char *openapi_components; /* JSON object: components/schemas */
    const char *openapi_title;
    /* Writes an error as a page. */
    void (*error_page)(struct request *rq, const struct problem *p, struct buf *out);
    uint8_t secret[32]; /* authenticates cursors */
};

struct http_server;

/* Binds (or takes systemd's sockets), starts the loops. One clear line in *e
 * where a port is taken. */
int http_start(const struct http_config *c, struct engine *en, struct http_server **ret,
               struct err *e);

/* The port that is bound (for port 0) and where, for the log. */
int http_port(const struct http_server *s);
int http_admin_port(const struct http_server *s);

/* Stops accepting, lets what is in flight finish for drain_ms, ends streams. */
void http_stop(struct http_server *s);

/* Appends the OpenAPI 3.1 document of the routes. */
void openapi_print(const struct http_config *c, struct buf *out);

#endif
