/*
 * Routes and start of the admin listener.
 */
#include "http/admin.h"

#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "http/server.h"

METRIC_DEFINE(open_tenants, METRIC_GAUGE, "rowhouse_tenants_open", NULL,
              "Tenants whose database is open.");
METRIC_DEFINE(known_tenants, METRIC_GAUGE, "rowhouse_tenants", NULL, "Tenants that exist.");

static int answer_metrics(struct request *rq)
{
    struct engine_stats stats = {0};
    engine_stats(rq->engine, &stats);
    metric_set(&open_tenants, stats.open_tenants);
    metric_set(&known_tenants, catalog_count(rq->engine));
    rq->out_type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_print(&rq->out);
    return 0;
}

static int answer_healthz(struct request *rq)
{
    buf_lit(&rq->out, "OK");
    return 0;
}

static const struct route routes[] = {
    {.method = HTTP_GET,
     .path = "/metrics",
     .flags = ROUTE_ANY_ACCEPT | ROUTE_NO_TENANT,
     .produces = MEDIA_TEXT,
     .answer = answer_metrics,
     .success = 200},
    {.method = HTTP_GET,
     .path = "/healthz",
     .flags = ROUTE_ANY_ACCEPT | ROUTE_NO_TENANT,
     .produces = MEDIA_TEXT,
     .answer = answer_healthz,
     .success = 200},
};

/* The texts are those of HOST and PORT. */
static int refuse(int rc, const struct err *why, struct err *e)
{
    bool host = strncmp(why->text, "HOST:", 5) == 0;
    err_set(e, (enum err_code)rc, "%s%s", host ? "ADMIN_" : "ADMIN_PORT: ", why->text);
    return rc;
}

int admin_start(const struct http_config *c, struct engine *en, struct http_server **ret,
                struct err *e)
{
    struct err why = ERR_INIT;
    if (c->admin_port <= 0)
        return 0;
    struct http_config own = *c;
    own.host = c->admin_host ? c->admin_host : "127.0.0.1";
    own.port = c->admin_port;
    own.admin_port = 0;
    own.threads = 1;
    own.routes = routes;
    own.route_count = sizeof routes / sizeof *routes;
    own.asset_count = 0;
    own.error_page = NULL;
    own.connections_max = 256;
    int rc = server_open(&own, en, true, ret, &why);
    bool taken = rc == ERR_EXISTS;
    if (rc < 0 && (!taken || c->admin_port_set))
        return refuse(rc, &why, e);
    if (taken)
        log_event(LOG_WARN, "http", "no admin listener", LOG_C("reason", why.text));
    return 0;
}
