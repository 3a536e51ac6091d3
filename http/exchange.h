/*
 * One request and its answer, from the head's arrival to the last byte sent.
 *
 *   HEAD ─► BODY ─► RUNNING ─► READY ─► over
 *     └───────┴──────refused──────┘
 *
 * An exchange belongs to its loop's thread. While a job of the engine runs
 * for it (`job_out`), the engine's thread may touch `rq`, `job` and what hangs
 * on them, and the loop touches nothing of these. A client that goes away only
 * clears `client`; the exchange is freed when its job is back as well.
 */
#ifndef ROWHOUSE_HTTP_EXCHANGE_H
#define ROWHOUSE_HTTP_EXCHANGE_H

#include <stdarg.h>

#include "http/client.h"
#include "http/head.h"
#include "http/idempotent.h"
#include "http/router.h"

enum exchange_state { EXCHANGE_HEAD, EXCHANGE_BODY, EXCHANGE_RUNNING, EXCHANGE_READY };

enum exchange_step {
    STEP_READY, /* the answer can be sent */
    STEP_WAIT,  /* it will come: wire_resume() will be called */
    STEP_STREAM /* the connection becomes a stream: take the socket */
};

enum { EXCHANGE_HEADERS_MAX = 20 };

struct exchange {
    struct request rq; /* must be the first member */
    struct http_server *srv;
    struct loop *loop;
    struct client *client; /* NULL: nobody waits for the answer */
    struct exchange *next_free;
    enum exchange_state state;

    struct head head; /* copied, in the arena */
    struct screened in;
    struct arena arena;
    struct buf body;
    json_t *json; /* the body, once it was asked for; owned */
    size_t body_max, body_seen;
    bool refused;    /* answered before the body: what comes of it is dropped */
    bool must_close; /* the connection cannot be used after this */

    const struct pattern *pattern;
    struct job job;
    struct post done;
    bool job_out;
    int rc;                /* of the functions */
    int fail_status;       /* 0: the one of the error's code */
    unsigned kept_headers; /* of rq.headers, set by prepare */
    const char *kept_type;
    bool stream_opens; /* the job is the one before a stream */
    bool durability_asked;
    struct idempotent idem;

    /* of the framework, besides rq.headers */
    struct header headers[EXCHANGE_HEADERS_MAX];
    size_t n_headers;
    struct str extra_header_name, extra_header; /* Allow, Accept, Retry-After ... */
    int64_t started_ns;
};

static inline struct exchange *exchange_of(struct request *rq)
{
    return (struct exchange *)(void *)rq;
}

/* A new one for the connection; copies the head, whose strings lie within
 * [base, base + n). NULL where memory is out. */
struct exchange *exchange_new(struct client *c, const struct head *head, const char *base,
                              size_t n);

/* An answer of its own in place of an exchange that takes too long (or of a
 * head that never came: `from` NULL), READY. NULL where memory is out. */
struct exchange *exchange_instead(struct client *c, const struct exchange *from, int status,
                                  const char *type, const char *detail);

/* The head is there. True: go on with the body and then exchange_run(); false:
 * the answer is READY and the body is not to be read. */
bool exchange_begin(struct exchange *ex);

/* A part of the body. False: it is too large, a READY answer ends it. */
bool exchange_body(struct exchange *ex, struct str part);

/* All of the request is there. */
enum exchange_step exchange_run(struct exchange *ex);

/* After STEP_WAIT, once wire_resume() was called. */
enum exchange_step exchange_resumed(struct exchange *ex);

/* The connection is done with it: all of the answer was sent, or not. */
void exchange_over(struct exchange *ex, bool sent);

/* Frees it or keeps it for the next request; where its job is out, when that is
 * back. NULL is allowed. */
void exchange_free(struct exchange *ex);
void exchange_destroy(struct exchange *ex);

/* dispatch.c */

/* Checks the head against the routes; sets `refused` where it fails. */
void dispatch_head(struct exchange *ex);

/* Runs the route's functions. */
enum exchange_step dispatch_run(struct exchange *ex);

/* Refuses with a status that no error code has. Returns a negative code. */
int exchange_refuse(struct exchange *ex, int status, const char *type, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* answer.c */

/* Makes the answer of what the functions left and sets READY. */
void answer_finish(struct exchange *ex);

/* The whole answer as bytes, for a socket that the library does not hold.
 * `body` false: the head only (of a stream). */
void answer_print(struct exchange *ex, bool body, struct buf *out);

/* The reason phrase of a status. */
const char *status_reason(int status);

/* problem.c */

/* vsnprintf, of a text for a problem. */
void request_format(char *to, size_t bytes, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

/* Replaces the answer by the problem in rq.err (or rq.field_errors). */
void problem_answer(struct exchange *ex);

#endif
