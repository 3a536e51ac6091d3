/*
 * What all loops share.
 */
#ifndef ROWHOUSE_HTTP_SERVER_H
#define ROWHOUSE_HTTP_SERVER_H

#include "http/idempotent.h"
#include "http/limits.h"
#include "http/listen.h"
#include "http/loop.h"
#include "http/router.h"
#include "http/tenant.h"

struct http_server {
    struct http_config config; /* a copy; what it points to is the caller's */
    struct engine *engine;
    struct router router;
    struct route *routes; /* the application's and ours; owned */
    size_t n_routes;
    struct tenant_rules tenants;
    struct buf openapi;
    struct str openapi_etag;
    struct arena memory;
    struct listeners listeners;
    struct limits limits;
    struct idempotent_table idempotent;
    struct loop *loops;
    unsigned n_loops;
    struct http_server *admin; /* NULL: off */
    bool is_admin;             /* is that one itself */
    _Atomic bool stopping;
    _Atomic int refs;      /* the owner, and one a job that is out */
    _Atomic int listening; /* loops that still accept */
    int64_t handler_timeout_ns;
};

/* As http_start(); for the admin listener too. */
int server_open(const struct http_config *c, struct engine *en, bool is_admin,
                struct http_server **ret, struct err *e);

void server_ref(struct http_server *s);
void server_unref(struct http_server *s);

/* Flags of our own routes, besides enum route_flags: Accept does not matter, nor
 * does a tenant's name that is bad. */
enum { ROUTE_ANY_ACCEPT = 256, ROUTE_NO_TENANT = 512 };

/* builtin.c: the routes of this layer. */
extern const struct route builtin_routes[];
extern const size_t builtin_route_count;

/* The route of a static file, which is at `asset->path`. */
struct route builtin_asset_route(const struct asset *asset);

#endif
