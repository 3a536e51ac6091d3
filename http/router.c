/*
 * The routes, grouped by path. There are few patterns and few segments, so a
 * match walks all of them; nothing is allocated for a path without encoding.
 */
#include "http/router.h"

#include <stdlib.h>

#include "base/fault.h"
#include "http/form.h"

static int split_pattern(const char *path, struct pattern *ret, struct err *e)
{
    struct pattern p = {.tenant_param = -1};
    struct str rest = str_from(path);
    int n_params = 0;
    if (rest.n == 0 || rest.p[0] != '/')
        return err_set(e, ERR_INTERNAL, "The route %s does not begin with a slash", path);
    rest = str_sub(rest, 1, rest.n);
    while (rest.p) {
        struct str part = str_cut(&rest, '/');
        if (p.n_segments == ROUTER_SEGMENTS_MAX)
            return err_set(e, ERR_INTERNAL, "The route %s has too many segments", path);
        bool param = part.n > 2 && part.p[0] == '{' && part.p[part.n - 1] == '}';
        if (param && str_eq(part, STR("{t}")))
            p.tenant_param = n_params;
        n_params += param;
        p.is_param[p.n_segments] = param;
        p.segments[p.n_segments++] = param ? STR("") : part;
    }
    if (n_params > ROUTER_PARAMS_MAX)
        return err_set(e, ERR_INTERNAL, "The route %s has too many parameters", path);
    *ret = p;
    return 0;
}

/* Literals before parameters, so that the first match is the right one. */
static int compare(const struct pattern *a, const struct pattern *b)
{
    for (unsigned i = 0; i < a->n_segments && i < b->n_segments; i++) {
        if (a->is_param[i] != b->is_param[i])
            return a->is_param[i] ? 1 : -1;
        int order = str_cmp(a->segments[i], b->segments[i]);
        if (order)
            return order;
    }
    return (a->n_segments > b->n_segments) - (a->n_segments < b->n_segments);
}

static int compare_for_sort(const void *a, const void *b)
{
    return compare(a, b);
}

static int add_route(struct router *r, const struct route *route, struct err *e)
{
    struct pattern p = {.n_segments = 0};
    int rc = split_pattern(route->path, &p, e);
    if (rc < 0)
        return rc;
    size_t at = 0;
    while (at < r->n && compare(&r->patterns[at], &p) != 0)
        at++;
    if (at == r->n)
        r->patterns[r->n++] = p;
    if (route->method >= HTTP_OTHER || r->patterns[at].by_method[route->method])
        return err_set(e, ERR_INTERNAL, "The route %s %s is there twice, or its method is odd",
                       http_method_name(route->method), route->path);
    r->patterns[at].by_method[route->method] = route;
    return 0;
}

int router_make(const struct route *routes, size_t n, struct router *ret, struct err *e)
{
    struct router r = {.patterns = fault_calloc(n ? n : 1, sizeof(struct pattern))};
    if (!r.patterns)
        return err_set(e, ERR_NOMEM, "Out of memory");
    for (size_t i = 0; i < n; i++) {
        int rc = add_route(&r, &routes[i], e);
        if (rc < 0) {
            router_free(&r);
            return rc;
        }
    }
    qsort(r.patterns, r.n, sizeof *r.patterns, compare_for_sort);
    *ret = r;
    return 0;
}

void router_free(struct router *r)
{
    free(r->patterns);
    *r = (struct router){0};
}

/* A path taken apart. A segment that cannot be decoded ({NULL, 0}) is no
 * literal, and as a parameter it is malformed. */
struct split {
    struct str segments[ROUTER_SEGMENTS_MAX];
    unsigned n;
    struct err bad;
};

static bool pattern_matches(const struct pattern *p, const struct split *path)
{
    if (p->n_segments != path->n)
        return false;
    for (unsigned i = 0; i < path->n; i++) {
        struct str s = path->segments[i];
        if (!p->is_param[i] && (!s.p || !str_eq(p->segments[i], s)))
            return false;
    }
    return true;
}

static bool is_plain(struct str s)
{
    return s.n == 0 || !memchr(s.p, '%', s.n);
}

/* More segments than there can be in a pattern are counted, not kept. */
static int split_path(struct str path, struct arena *arena, struct split *ret)
{
    struct str rest = str_sub(path, 1, path.n);
    while (rest.p) {
        struct str part = str_cut(&rest, '/'), decoded = part;
        int rc = is_plain(part) ? 0 : percent_decode(arena, part, false, &decoded, &ret->bad);
        if (rc == ERR_NOMEM)
            return rc;
        if (ret->n < ROUTER_SEGMENTS_MAX)
            ret->segments[ret->n] = rc < 0 ? (struct str){NULL, 0} : decoded;
        ret->n++;
    }
    return 0;
}

static int take_params(const struct pattern *p, const struct split *path,
                       struct str params[ROUTER_PARAMS_MAX], struct err *e)
{
    unsigned at = 0;
    for (unsigned i = 0; i < path->n; i++) {
        if (!p->is_param[i])
            continue;
        if (!path->segments[i].p)
            return err_set(e, path->bad.code, "%s", path->bad.text);
        params[at++] = path->segments[i];
    }
    return 0;
}

int router_match(const struct router *r, struct str raw_path, struct arena *arena,
                 const struct pattern **ret, struct str params[ROUTER_PARAMS_MAX], struct err *e)
{
    struct split path = {.n = 0};
    if (split_path(raw_path, arena, &path) < 0)
        return err_set(e, ERR_NOMEM, "Out of memory");
    for (size_t i = 0; i < r->n; i++) {
        const struct pattern *p = &r->patterns[i];
        if (!pattern_matches(p, &path))
            continue;
        int rc = take_params(p, &path, params, e);
        if (rc == 0)
            *ret = p;
        return rc;
    }
    return err_set(e, ERR_NOT_FOUND, "There is nothing at this path");
}

const struct route *pattern_route(const struct pattern *p, enum http_method m)
{
    if (m >= HTTP_OTHER)
        return NULL;
    return p->by_method[m == HTTP_HEAD ? HTTP_GET : m];
}

void pattern_allow(const struct pattern *p, struct buf *out)
{
    for (int m = HTTP_GET; m < HTTP_OPTIONS; m++) {
        if (!pattern_route(p, (enum http_method)m))
            continue;
        buf_add(out, str_from(http_method_name((enum http_method)m)));
        buf_lit(out, ", ");
    }
    buf_lit(out, "OPTIONS");
}

unsigned pattern_produces(const struct pattern *p)
{
    unsigned set = 0;
    for (int m = HTTP_GET; m < HTTP_OTHER; m++)
        if (p->by_method[m])
            set |= p->by_method[m]->produces;
    return set;
}
