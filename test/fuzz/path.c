/*
 * Paths: lines are raw paths. Of a path that is found, the parameters are what
 * decoding each segment by itself gives, never with a NUL; the route is one
 * that fits, and none that fits has a literal where it has a parameter. A
 * segment that cannot be decoded is no literal; as a parameter it is malformed.
 */
#include "http/form.h"
#include "http/router.h"

#include "fuzz.h"
#include "oracle.h"

static const struct route routes[] = {
    {.method = HTTP_GET, .path = "/"},
    {.method = HTTP_GET, .path = "/api/items"},
    {.method = HTTP_POST, .path = "/api/items"},
    {.method = HTTP_POST, .path = "/api/items:batch"},
    {.method = HTTP_GET, .path = "/api/items/{id}"},
    {.method = HTTP_PATCH, .path = "/api/items/{id}"},
    {.method = HTTP_GET, .path = "/api/items/events"},
    {.method = HTTP_GET, .path = "/tenant/{t}"},
    {.method = HTTP_GET, .path = "/tenant/{t}/items"},
    {.method = HTTP_GET, .path = "/tenant/{t}/items/{id}"},
    {.method = HTTP_DELETE, .path = "/tenant/{t}/items/{id}"},
    {.method = HTTP_GET, .path = "/{a}/{b}/{c}/{d}"},
    {.method = HTTP_GET, .path = "/{a}/x/{c}/{d}"},
    {.method = HTTP_GET, .path = "/a/b/c/d/{e}/f/g/h"},
};

enum { N_ROUTES = sizeof routes / sizeof *routes, SEGMENTS_MAX = 64 };

static struct router router;

struct segments {
    struct str s[SEGMENTS_MAX];
    bool bad[SEGMENTS_MAX]; /* cannot be decoded */
    size_t n;
};

/* Of a path, decoded; of a pattern, as written. */
static void cut(struct str path, bool decode, struct arena *a, struct segments *ret)
{
    *ret = (struct segments){.n = 0};
    struct buf b = BUF_INIT;
    size_t from = 1;
    for (size_t i = 1; i <= path.n; i++) {
        if (i < path.n && path.p[i] != '/')
            continue;
        struct str part = str_make(path.p + from, i - from);
        buf_reset(&b);
        from = i + 1;
        if (ret->n == SEGMENTS_MAX)
            continue;
        ret->bad[ret->n] = decode && !oracle_percent_decode(part, false, &b);
        ret->s[ret->n++] = decode ? arena_copy(a, buf_str(&b)) : part;
    }
    buf_free(&b);
}

static bool is_param(struct str s)
{
    return s.n && s.p[0] == '{';
}

static bool fits(const struct segments *pattern, const struct segments *path)
{
    bool same = pattern->n == path->n;
    for (size_t i = 0; same && i < path->n; i++)
        same =
            is_param(pattern->s[i]) || (!path->bad[i] && pattern->s[i].n == path->s[i].n &&
                                        memcmp(pattern->s[i].p, path->s[i].p, path->s[i].n) == 0);
    return same;
}

/* True where `a` goes before `b`: a literal at the first place they differ. */
static bool before(const struct segments *a, const struct segments *b)
{
    for (size_t i = 0; i < a->n; i++)
        if (is_param(a->s[i]) != is_param(b->s[i]))
            return is_param(b->s[i]);
    return false;
}

/* The path of the route that serves it, or NULL; whether it may. */
static const char *oracle_match(const struct segments *path, struct arena *a, bool *ret_malformed)
{
    static struct segments best, pattern;
    const char *found = NULL;
    *ret_malformed = false;
    for (size_t i = 0; i < N_ROUTES; i++) {
        cut(str_from(routes[i].path), false, a, &pattern);
        if (fits(&pattern, path) && (!found || before(&pattern, &best))) {
            best = pattern;
            found = routes[i].path;
        }
    }
    for (size_t i = 0; found && i < path->n; i++)
        *ret_malformed = *ret_malformed || path->bad[i];
    return found;
}

static void check_methods(const struct pattern *p, const char *path)
{
    struct buf allow = BUF_INIT;
    pattern_allow(p, &allow);
    for (int m = HTTP_GET; m <= HTTP_OTHER; m++) {
        const struct route *route = pattern_route(p, (enum http_method)m), *want = NULL;
        for (size_t i = 0; i < N_ROUTES; i++)
            if (!strcmp(routes[i].path, path) &&
                (int)routes[i].method == (m == HTTP_HEAD ? HTTP_GET : m))
                want = &routes[i];
        FUZZ_CHECK(route == want);
        if (m < HTTP_OTHER && m != HTTP_OPTIONS)
            FUZZ_CHECK((strstr(buf_cstr(&allow), http_method_name((enum http_method)m)) != NULL) ==
                       (want != NULL));
    }
    buf_free(&allow);
}

/* The parameters, encoded again, are found in the same place. */
static void check_again(const struct pattern *p, const struct str *params, struct arena *a)
{
    struct buf path = BUF_INIT;
    struct str again[ROUTER_PARAMS_MAX] = {{0}};
    const struct pattern *same = NULL;
    unsigned at = 0, n;
    for (unsigned i = 0; i < p->n_segments; i++) {
        buf_char(&path, '/');
        if (p->is_param[i])
            percent_encode(&path, params[at++]);
        else
            buf_add(&path, p->segments[i]);
    }
    n = at;
    FUZZ_CHECK(router_match(&router, buf_str(&path), a, &same, again, NULL) == 0 && same == p);
    for (at = 0; at < n; at++)
        FUZZ_SAME(again[at], params[at]);
    buf_free(&path);
}

static void check_path(struct str path, struct arena *a)
{
    static struct segments want;
    struct str params[ROUTER_PARAMS_MAX] = {{0}};
    const struct pattern *p = NULL;
    struct err e = ERR_INIT;
    cut(path, true, a, &want);
    bool malformed;
    const char *route = oracle_match(&want, a, &malformed);
    int rc = router_match(&router, path, a, &p, params, &e);
    FUZZ_CHECK(rc == (malformed ? ERR_MALFORMED : route ? 0 : ERR_NOT_FOUND));
    if (rc < 0)
        return;
    unsigned at = 0;
    for (unsigned i = 0; i < p->n_segments; i++) {
        if (!p->is_param[i])
            continue;
        FUZZ_SAME(params[at], want.s[i]);
        FUZZ_CHECK(params[at].n == 0 || !memchr(params[at].p, '\0', params[at].n));
        at++;
    }
    check_methods(p, route);
    check_again(p, params, a);
}

/* Only what screening lets through comes to the router. */
static bool is_screened(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
            return false;
    return s.n > 0 && s.p[0] == '/';
}

void fuzz_one(struct str in, struct arena *a)
{
    if (!router.patterns)
        FUZZ_CHECK(router_make(routes, N_ROUTES, &router, NULL) == 0);
    struct str rest = in;
    while (rest.n) {
        struct str path = fuzz_line(&rest);
        if (is_screened(path))
            check_path(path, a);
    }
}
