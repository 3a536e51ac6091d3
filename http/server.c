/*
 * Start and stop of the server: its tables, its sockets, its loops.
 */
#include "http/server.h"

#include <sodium.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "http/admin.h"
#include "http/exchange.h"

enum { LOOPS_MAX = 64, OTHER_DESCRIPTORS = 64 };

static void free_server(struct http_server *s)
{
    for (unsigned i = 0; i < s->n_loops; i++)
        loop_close(&s->loops[i]);
    free(s->loops);
    listeners_close(&s->listeners);
    router_free(&s->router);
    free(s->routes);
    tenant_rules_free(&s->tenants);
    limits_free(&s->limits);
    buf_free(&s->openapi);
    arena_free(&s->memory);
    free(s);
}

void server_ref(struct http_server *s)
{
    atomic_fetch_add(&s->refs, 1);
}

void server_unref(struct http_server *s)
{
    if (atomic_fetch_sub(&s->refs, 1) == 1)
        free_server(s);
}

static int make_routes(struct http_server *s, struct err *e)
{
    const struct http_config *c = &s->config;
    size_t n_builtin = s->is_admin ? 0 : builtin_route_count;
    size_t n = c->route_count + n_builtin + c->asset_count, at = 0;
    s->routes = fault_calloc(n, sizeof *s->routes);
    if (!s->routes)
        return err_set(e, ERR_NOMEM, "Out of memory");
    for (size_t i = 0; i < c->route_count; i++)
        s->routes[at++] = c->routes[i];
    for (size_t i = 0; i < n_builtin; i++)
        s->routes[at++] = builtin_routes[i];
    for (size_t i = 0; i < c->asset_count; i++)
        s->routes[at++] = builtin_asset_route(&c->assets[i]);
    s->n_routes = at;
    return router_make(s->routes, s->n_routes, &s->router, e);
}

static int make_openapi(struct http_server *s, struct err *e)
{
    openapi_print(&s->config, &s->openapi);
    struct str text = buf_str(&s->openapi);
    s->openapi_etag = etag_of(&s->memory, &text, 1);
    return buf_ok(&s->openapi) && s->openapi_etag.p ? 0 : err_set(e, ERR_NOMEM, "Out of memory");
}

/* As many as half of the descriptors; the databases need the others. */
static int64_t standard_connections(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY)
        return 1 << 20;
    int64_t half = (int64_t)(files.rlim_cur / 2);
    return half > OTHER_DESCRIPTORS ? half : OTHER_DESCRIPTORS;
}

static int make_tables(struct http_server *s, struct err *e)
{
    const struct http_config *c = &s->config;
    limits_init(&s->limits, c->connections_max > 0 ? c->connections_max : standard_connections(),
                c->connections_per_address, c->tenant_create_rate);
    idempotent_table_init(&s->idempotent);
    s->handler_timeout_ns = c->handler_timeout_ms * NS_PER_MS;
    int rc = tenant_rules_make(c->base_domain, c->base_domain_set, getenv("FLY_APP_NAME"),
                               &s->tenants, e);
    if (rc == 0)
        rc = make_routes(s, e);
    if (rc == 0)
        rc = make_openapi(s, e);
    return rc;
}

static unsigned loop_count(const struct http_config *c)
{
    long n = c->threads > 0 ? (long)c->threads : sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > LOOPS_MAX ? LOOPS_MAX : (unsigned)n;
}

static int make_loops(struct http_server *s, struct err *e)
{
    unsigned n = loop_count(&s->config);
    int rc = 0;
    s->loops = fault_calloc(n, sizeof *s->loops);
    if (!s->loops)
        return err_set(e, ERR_NOMEM, "Out of memory");
    while (rc == 0 && s->n_loops < n) {
        rc = loop_open(&s->loops[s->n_loops], s, s->n_loops, e);
        s->n_loops++;
    }
    return rc;
}

static void join_loops(struct http_server *s)
{
    for (unsigned i = 0; i < s->n_loops; i++)
        if (s->loops[i].has_thread)
            pthread_join(s->loops[i].thread, NULL);
}

static void stop_loops(struct http_server *s)
{
    atomic_store(&s->stopping, true);
    for (unsigned i = 0; i < s->n_loops; i++)
        if (s->loops[i].event_fd >= 0)
            loop_wake(&s->loops[i]);
    join_loops(s);
}

static int start(struct http_server *s, struct err *e)
{
    const struct http_config *c = &s->config;
    int rc = make_tables(s, e);
    if (rc == 0)
        rc = listeners_open(c->host, c->port, !s->is_admin, &s->listeners, e);
    if (rc == 0 && !s->is_admin)
        rc = admin_start(c, s->engine, &s->admin, e);
    if (rc == 0)
        rc = make_loops(s, e);
    atomic_store(&s->listening, (int)s->n_loops);
    for (unsigned i = 0; rc == 0 && i < s->n_loops; i++)
        rc = loop_start(&s->loops[i], e);
    return rc;
}

int server_open(const struct http_config *c, struct engine *en, bool is_admin,
                struct http_server **ret, struct err *e)
{
    struct http_server *s = fault_calloc(1, sizeof *s);
    if (!s)
        return err_set(e, ERR_NOMEM, "Out of memory");
    s->config = *c;
    if (!c->durability_set)
        s->config.durability = DURABILITY_LOCAL;
    s->engine = en;
    s->is_admin = is_admin;
    atomic_store(&s->refs, 1);
    int rc = start(s, e);
    if (rc < 0) {
        s->config.drain_ms = 0;
        http_stop(s);
        return rc;
    }
    *ret = s;
    return 0;
}

int http_start(const struct http_config *c, struct engine *en, struct http_server **ret,
               struct err *e)
{
    if (sodium_init() < 0)
        return err_set(e, ERR_INTERNAL, "libsodium does not start");
    int rc = server_open(c, en, false, ret, e);
    if (rc != ERR_EXISTS)
        return rc;
    if (e)
        e->code = ERR_USAGE; /* a port that is taken is a bad setting */
    return ERR_USAGE;
}

int http_port(const struct http_server *s)
{
    return s->listeners.port;
}

int http_admin_port(const struct http_server *s)
{
    return s->admin ? http_port(s->admin) : 0;
}

void http_stop(struct http_server *s)
{
    if (!s)
        return;
    stop_loops(s);
    http_stop(s->admin);
    s->admin = NULL;
    server_unref(s);
}
