/*
 * Request ids, access log, metrics of requests.
 */
#include "http/access.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/metrics.h"
#include "http/server.h"

enum { CLIENT_ID_MAX = 64 };

METRIC_DEFINE(read_time, METRIC_HISTOGRAM, "rowhouse_http_request_seconds", "kind=\"read\"",
              "From the head of a request to the end of its answer.");
METRIC_DEFINE(write_time, METRIC_HISTOGRAM, "rowhouse_http_request_seconds", "kind=\"write\"",
              "From the head of a request to the end of its answer.");
METRIC_DEFINE(aborted, METRIC_COUNTER, "rowhouse_http_requests_aborted_total", NULL,
              "Requests whose client went away before the end of the answer.");
METRIC_DEFINE(answer_bytes, METRIC_COUNTER, "rowhouse_http_response_bytes_total", NULL,
              "Bytes of answers' bodies.");

enum { N_CLASSES = 5, N_METHODS = HTTP_OTHER + 1 };

#define CLASSES_OF(m)                                                                              \
    {                                                                                              \
        "method=\"" m "\",class=\"1xx\"", "method=\"" m "\",class=\"2xx\"",                        \
            "method=\"" m "\",class=\"3xx\"", "method=\"" m "\",class=\"4xx\"",                    \
            "method=\"" m "\",class=\"5xx\""                                                       \
    }

static const char *const request_labels[N_METHODS][N_CLASSES] = {
    [HTTP_GET] = CLASSES_OF("GET"),         [HTTP_HEAD] = CLASSES_OF("HEAD"),
    [HTTP_POST] = CLASSES_OF("POST"),       [HTTP_PATCH] = CLASSES_OF("PATCH"),
    [HTTP_PUT] = CLASSES_OF("PUT"),         [HTTP_DELETE] = CLASSES_OF("DELETE"),
    [HTTP_OPTIONS] = CLASSES_OF("OPTIONS"), [HTTP_OTHER] = CLASSES_OF("other"),
};

static struct metric requests[N_METHODS][N_CLASSES];

__attribute__((constructor)) static void register_requests(void)
{
    for (int m = 0; m < N_METHODS; m++) {
        for (int c = 1; c < N_CLASSES; c++) {
            requests[m][c] = (struct metric){.name = "rowhouse_http_requests_total",
                                             .help = "Requests by method and class of status.",
                                             .labels = request_labels[m][c],
                                             .kind = METRIC_COUNTER};
            metric_register(&requests[m][c]);
        }
    }
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              c == '.' || c == '_' || c == '-'))
            return false;
    }
    return s.n > 0 && s.n <= CLIENT_ID_MAX;
}

/* Unlike any other, but not secret: a random number for each loop and start,
 * then a counter. */
void access_new_id(struct loop *l, char *to)
{
    snprintf(to, ACCESS_ID_BYTES, "%016" PRIx64 "%08" PRIx64, l->id_prefix, ++l->id_count);
}

void access_request_id(struct exchange *ex)
{
    size_t count;
    struct str given = optstr_or(head_find(&ex->head, STR("X-Request-Id"), &count), STR(""));
    if (count == 1 && is_plain(given)) {
        ex->rq.id = given;
        return;
    }
    char id[ACCESS_ID_BYTES];
    access_new_id(ex->loop, id);
    ex->rq.id = arena_copy(&ex->arena, str_from(id));
    if (!ex->rq.id.p)
        ex->rq.id = STR("out-of-memory");
}

/* A 304 has a body only so that its length can be told. */
static int64_t body_bytes(const struct request *rq)
{
    return rq->status == 304 ? 0 : (int64_t)rq->out.n;
}

static void count(const struct exchange *ex, int64_t took_ns)
{
    const struct request *rq = &ex->rq;
    int class = rq->status / 100 - 1;
    if (class > 0 && class < N_CLASSES)
        metric_inc(&requests[rq->method][class]);
    bool write = rq->route && rq->route->write;
    metric_observe_ns(write ? &write_time : &read_time, took_ns);
    metric_add(&answer_bytes, body_bytes(rq));
    if (rq->tenant.n == 0 || rq->status == 404)
        return;
    struct str tenant = tenant_name_str(&rq->tenant);
    metric_tenant(tenant, write ? METRIC_TENANT_WRITES : METRIC_TENANT_READS);
    if (rq->status >= 500)
        metric_tenant(tenant, METRIC_TENANT_ERRORS);
}

void access_note(struct exchange *ex, bool sent)
{
    const struct request *rq = &ex->rq;
    if (ex->job_out) {
        /* The client went away; the job still has rq. */
        metric_inc(&aborted);
        return;
    }
    if (ex->srv->is_admin)
        return;
    int64_t took_ns = clock_mono_ns() - ex->started_ns;
    if (!sent)
        metric_inc(&aborted);
    count(ex, took_ns);
    log_event(LOG_INFO, "http", sent ? "request" : "request, client gone",
              LOG_C("method", http_method_name(rq->method)), LOG_S("path", rq->path),
              LOG_I("status", rq->status), LOG_S("tenant", tenant_name_str(&rq->tenant)),
              LOG_I("us", took_ns / 1000), LOG_I("bytes", body_bytes(rq)),
              LOG_S("client", rq->client), LOG_S("id", rq->id));
}
