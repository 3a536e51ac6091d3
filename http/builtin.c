/*
 * Routes that every server has: health, the OpenAPI document, static files.
 */
#include "http/exchange.h"
#include "http/server.h"

static int say(struct request *rq, struct str text)
{
    buf_add(&rq->out, text);
    return 0;
}

static int answer_ok(struct request *rq)
{
    return say(rq, STR("OK"));
}

static int task_ready(struct request *rq)
{
    if (atomic_load(&rq->server->stopping))
        return request_fail(rq, ERR_SHUTDOWN, "The server is shutting down");
    if (!engine_ready(rq->engine, &rq->err))
        return rq->err.code < 0 ? (int)rq->err.code
                                : request_fail(rq, ERR_UNUSABLE, "The server is not ready");
    return say(rq, STR("OK"));
}

static int answer_openapi(struct request *rq)
{
    rq->etag = rq->server->openapi_etag;
    return say(rq, buf_str(&rq->server->openapi));
}

const struct route builtin_routes[] = {
    {.method = HTTP_GET,
     .path = "/health",
     .flags = ROUTE_ANY_ACCEPT | ROUTE_NO_TENANT,
     .produces = MEDIA_TEXT,
     .answer = answer_ok,
     .id = "getHealth",
     .summary = "OK as long as the server answers",
     .success = 200},
    {.method = HTTP_GET,
     .path = "/livez",
     .flags = ROUTE_ANY_ACCEPT | ROUTE_NO_TENANT,
     .produces = MEDIA_TEXT,
     .answer = answer_ok,
     .id = "getLive",
     .summary = "OK as long as the process need not be started anew",
     .success = 200},
    {.method = HTTP_GET,
     .path = "/readyz",
     .flags = ROUTE_ANY_ACCEPT | ROUTE_NO_TENANT,
     .produces = MEDIA_TEXT,
     .task = task_ready,
     .id = "getReady",
     .summary = "OK while the server takes requests and can write",
     .success = 200},
    {.method = HTTP_GET,
     .path = "/api/openapi.json",
     .flags = ROUTE_NO_TENANT,
     .produces = MEDIA_JSON,
     .answer = answer_openapi,
     .id = "getOpenApi",
     .summary = "This document",
     .success = 200},
};

const size_t builtin_route_count = sizeof builtin_routes / sizeof *builtin_routes;

static int answer_asset(struct request *rq)
{
    const struct http_config *c = &rq->server->config;
    const struct asset *a = asset_find(c->assets, c->asset_count, str_from(rq->route->path));
    if (!a)
        return request_fail(rq, ERR_NOT_FOUND, "There is nothing at this path");
    rq->etag = a->etag;
    rq->out_type = a->content_type.p;
    response_header(rq, "Cache-Control", STR("public, max-age=31536000, immutable"));
    return say(rq, a->bytes);
}

struct route builtin_asset_route(const struct asset *asset)
{
    return (struct route){.method = HTTP_GET,
                          .path = asset->path.p,
                          .flags = ROUTE_NO_TENANT,
                          .answer = answer_asset,
                          .success = 200};
}
