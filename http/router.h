/*
 * From a method and a path to a route.
 *
 * Paths are matched by segments, each percent-decoded by itself: an encoded
 * slash stays inside its segment. A literal goes before a parameter. There is
 * no other folding: `/a/`, `//a` and `/a/../b` are other paths than `/a`, and
 * as no route is written that way they are not found.
 *
 * A router is made once and only read afterwards; any thread.
 */
#ifndef ROWHOUSE_HTTP_ROUTER_H
#define ROWHOUSE_HTTP_ROUTER_H

#include "http/head.h"

enum { ROUTER_SEGMENTS_MAX = 8, ROUTER_PARAMS_MAX = 4 };

/* One path with what is at it. */
struct pattern {
    struct str segments[ROUTER_SEGMENTS_MAX]; /* a parameter has no bytes */
    bool is_param[ROUTER_SEGMENTS_MAX];
    unsigned n_segments;
    int tenant_param; /* which parameter is {t}; -1: none */
    const struct route *by_method[HTTP_OTHER];
};

struct router {
    struct pattern *patterns; /* owned; literals first */
    size_t n;
};

/* The routes outlive the router. ERR_INTERNAL where two of them collide or one
 * is written in a way that is not understood. */
int router_make(const struct route *routes, size_t n, struct router *ret, struct err *e);
void router_free(struct router *r);

/* The pattern of the raw path, its parameters decoded into the arena.
 * ERR_NOT_FOUND, ERR_MALFORMED (bad encoding), ERR_NOMEM. */
int router_match(const struct router *r, struct str raw_path, struct arena *arena,
                 const struct pattern **ret, struct str params[ROUTER_PARAMS_MAX], struct err *e);

/* The route of a method: GET's for HEAD. NULL: not allowed. */
const struct route *pattern_route(const struct pattern *p, enum http_method m);

/* Appends the methods that are allowed: "GET, HEAD, OPTIONS". */
void pattern_allow(const struct pattern *p, struct buf *out);

/* The media types that any of the pattern's routes produces. */
unsigned pattern_produces(const struct pattern *p);

#endif
