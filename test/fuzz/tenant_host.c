/*
 * Which tenant a request is for. Lines of an input: BASE_DOMAIN ("-": not set),
 * FLY_APP_NAME ("-": not set), host, path's name ("-": none), then X-Tenant
 * fields. The contract's order and rules are worked out again here.
 */
#include "http/tenant.h"

#include "fuzz.h"
#include "oracle.h"

enum { BASES_MAX = 40, FIELDS_MAX = 4, LABELS_MAX = 300 };

enum verdict { REFUSED, NOBODY, NAMED };

struct site {
    bool set;
    struct str bases[BASES_MAX];
    size_t n;
};

/* Splits at every `separator`; at most `max` parts, more are not counted. */
static size_t split(struct str s, char separator, struct str *parts, size_t max)
{
    size_t n = 0, from = 0;
    for (size_t i = 0; i <= s.n && n < max; i++) {
        if (i < s.n && s.p[i] != separator)
            continue;
        parts[n++] = str_make(s.p + from, i - from);
        from = i + 1;
    }
    return n;
}

static struct str without_last_dot(struct str s)
{
    return s.n && s.p[s.n - 1] == '.' ? str_make(s.p, s.n - 1) : s;
}

/* A number as URLs have them, so that the name before it is an address. */
static bool is_number(struct str s)
{
    const char *digits = "0123456789";
    size_t from = 0;
    if (s.n >= 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'X')) {
        digits = "0123456789abcdefABCDEF";
        from = 2;
    }
    for (size_t i = from; i < s.n; i++)
        if (!s.p[i] || !strchr(digits, s.p[i]))
            return false;
    return s.n > 0;
}

/* Labels of `host` in front of those of `base`, or -1. */
static long labels_in_front(const struct str *host, size_t n, struct str base)
{
    static struct str labels[LABELS_MAX];
    size_t n_base = split(base, '.', labels, LABELS_MAX);
    for (size_t i = 0; i < n_base; i++)
        if (n_base > n || !oracle_same_nocase(labels[n_base - 1 - i], host[n - 1 - i]))
            return -1;
    return (long)(n - n_base);
}

static enum verdict oracle_host(const struct site *site, struct str host, struct str *ret)
{
    static struct str labels[LABELS_MAX];
    const char *colon = host.n ? memchr(host.p, ':', host.n) : NULL;
    if (host.n && host.p[0] == '[')
        return NOBODY;
    host = without_last_dot(colon ? str_make(host.p, (size_t)(colon - host.p)) : host);
    size_t n = split(host, '.', labels, LABELS_MAX);
    if (host.n == 0)
        return NOBODY;
    for (size_t i = 0; i < n; i++)
        if (labels[i].n == 0)
            return REFUSED;
    if (is_number(labels[n - 1]))
        return NOBODY;
    long fewest = -1;
    for (size_t i = 0; i < site->n; i++) {
        long front = labels_in_front(labels, n, site->bases[i]);
        if (front >= 0 && (fewest < 0 || front < fewest))
            fewest = front;
    }
    size_t first = n > 0 && oracle_same_nocase(labels[0], STR("www")) ? 1 : 0;
    *ret = labels[fewest < 0 ? first : 0];
    if (fewest < 0)
        return !site->set && n - first >= 3 ? NAMED : NOBODY;
    return fewest == 0 ? NOBODY : fewest == 1 ? NAMED : REFUSED;
}

/* The site as BASE_DOMAIN says it, or false. */
static bool oracle_site(struct str text, bool set, const char *fly, struct arena *a,
                        struct site *ret)
{
    *ret = (struct site){.set = set};
    struct str parts[BASES_MAX];
    size_t n = set ? split(text, ',', parts, BASES_MAX) : 0;
    if (!set) {
        parts[n++] = STR("localhost");
        if (fly && *fly)
            parts[n++] = arena_printf(a, "%s.fly.dev", fly);
    }
    for (size_t i = 0; i < n; i++) {
        struct str base = without_last_dot(set ? oracle_trim(parts[i]) : parts[i]);
        if (base.n && base.p[0] == '.')
            base = str_make(base.p + 1, base.n - 1);
        for (size_t k = 0; k < base.n; k++)
            if (!base.p[k] || !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789-._",
                                      base.p[k]))
                return false;
        if (base.n == 0)
            return false;
        ret->bases[ret->n++] = base;
    }
    return ret->n <= TENANT_BASES_MAX;
}

struct question {
    struct str host;
    struct optstr in_path;
    struct header fields[FIELDS_MAX];
    size_t n_fields;
};

/* The tenant that the contract gives the request, or false for 400. */
static bool oracle_tenant(const struct site *site, const struct question *q, char name[64],
                          enum tenant_source *ret)
{
    char by_path[64], by_host[64], by_header[64];
    struct str label;
    enum verdict host = oracle_host(site, q->host, &label);
    bool in_path = optstr_is_some(q->in_path), in_header = q->n_fields > 0;
    if (q->n_fields > 1 || host == REFUSED)
        return false;
    if ((in_header && !oracle_tenant_name(q->fields[0].value, by_header)) ||
        (host == NAMED && !oracle_tenant_name(label, by_host)) ||
        (in_path && !oracle_tenant_name(optstr_or(q->in_path, STR("")), by_path)))
        return false;
    *ret = in_header       ? TENANT_BY_HEADER
           : host == NAMED ? TENANT_BY_HOST
           : in_path       ? TENANT_BY_PATH
                           : TENANT_BY_DEFAULT;
    memcpy(name,
           in_header       ? by_header
           : host == NAMED ? by_host
           : in_path       ? by_path
                           : (char[64]){"default"},
           64);
    return true;
}

static void read_question(struct str rest, struct question *q)
{
    static const char *const spellings[FIELDS_MAX] = {"X-Tenant", "x-tenant", "X-TENANT",
                                                      "x-Tenant"};
    *q = (struct question){.host = fuzz_line(&rest)};
    struct str in_path = fuzz_line(&rest);
    q->in_path = str_eq(in_path, STR("-")) ? optstr_none() : optstr_some(in_path);
    while (rest.n && q->n_fields < FIELDS_MAX) {
        q->fields[q->n_fields] =
            (struct header){str_from(spellings[q->n_fields]), oracle_trim(fuzz_line(&rest))};
        q->n_fields++;
    }
}

void fuzz_one(struct str in, struct arena *a)
{
    struct str rest = in, domain = fuzz_line(&rest), app = fuzz_line(&rest);
    const char *fly = str_eq(app, STR("-")) ? NULL : fuzz_cstr(a, app);
    const char *base_domain = fuzz_cstr(a, domain);
    bool set = !str_eq(domain, STR("-"));
    struct tenant_rules rules;
    struct err e = ERR_INIT;
    struct site site;
    bool right = oracle_site(str_from(base_domain), set, fly, a, &site);
    int rc = tenant_rules_make(base_domain, set, fly, &rules, &e);
    FUZZ_CHECK((rc == 0) == right && (rc == 0 || rc == ERR_USAGE));
    if (rc < 0) {
        FUZZ_CHECK(fuzz_is_one_line(str_from(e.text)));
        return;
    }
    struct question q;
    char name[64] = {0};
    enum tenant_source source, want_source;
    struct tenant_name t;
    read_question(rest, &q);
    const struct head head = {.headers = q.fields, .n_headers = q.n_fields};
    right = oracle_tenant(&site, &q, name, &want_source);
    rc = tenant_resolve(&rules, &head, q.host, q.in_path, &t, &source, &e);
    FUZZ_CHECK((rc == 0) == right && (rc == 0 || rc == ERR_MALFORMED));
    if (rc == 0) {
        FUZZ_SAME(tenant_name_str(&t), str_from(name));
        FUZZ_CHECK(source == want_source);
    }
    tenant_rules_free(&rules);
}
