/*
 * Resolution of a tenant from header, host and path.
 *
 * Hosts are compared without case, port and trailing dot. An address (IPv6 in
 * brackets, or a name whose last label is a number) never names a tenant.
 */
#include "http/tenant.h"

static int add_base(struct tenant_rules *r, struct str base, struct err *e)
{
    if (str_ends(base, STR(".")))
        base = str_sub(base, 0, base.n - 1);
    if (str_starts(base, STR(".")))
        base = str_sub(base, 1, base.n);
    for (size_t i = 0; i < base.n; i++) {
        char c = base.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '.' || c == '_'))
            return err_set(e, ERR_USAGE, "BASE_DOMAIN: `%.*s` is not a domain name", STR_ARG(base));
    }
    if (base.n == 0 || r->n_bases == TENANT_BASES_MAX)
        return err_set(e, ERR_USAGE, "BASE_DOMAIN: %s",
                       base.n ? "too many domains" : "a domain is empty");
    char *copy = arena_alloc(&r->memory, base.n + 1);
    if (!copy)
        return err_set(e, ERR_NOMEM, "Out of memory");
    for (size_t i = 0; i < base.n; i++)
        copy[i] = base.p[i] >= 'A' && base.p[i] <= 'Z' ? (char)(base.p[i] + 32) : base.p[i];
    r->bases[r->n_bases++] = str_make(copy, base.n);
    return 0;
}

int tenant_rules_make(const char *base_domain, bool set, const char *fly_app,
                      struct tenant_rules *ret, struct err *e)
{
    struct tenant_rules r = {.bases_set = set && base_domain};
    struct str rest = r.bases_set ? str_from(base_domain) : STR("localhost");
    int rc = 0;
    while (rest.p && rc == 0)
        rc = add_base(&r, str_trim(str_cut(&rest, ',')), e);
    if (rc == 0 && !r.bases_set && fly_app && *fly_app) {
        struct str domain = arena_printf(&r.memory, "%s.fly.dev", fly_app);
        rc = domain.p ? add_base(&r, domain, e) : err_set(e, ERR_NOMEM, "Out of memory");
    }
    if (rc < 0)
        arena_free(&r.memory);
    else
        *ret = r;
    return rc;
}

void tenant_rules_free(struct tenant_rules *r)
{
    arena_free(&r->memory);
    *r = (struct tenant_rules){0};
}

/* As URLs are read: a name whose last label is a number is an IPv4 address. */
static bool is_address(struct str host)
{
    size_t from = host.n;
    while (from > 0 && host.p[from - 1] != '.')
        from--;
    struct str last = str_sub(host, from, host.n);
    if (last.n == 0 || last.p[0] < '0' || last.p[0] > '9')
        return false;
    bool hex = last.n >= 2 && last.p[0] == '0' && (last.p[1] == 'x' || last.p[1] == 'X');
    for (size_t i = hex ? 2 : 0; i < last.n; i++) {
        char c = last.p[i];
        bool digit = c >= '0' && c <= '9';
        if (!digit && !(hex && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))))
            return false;
    }
    return true;
}

/* True where `host` is `base`, or one or more labels in front of it, which go
 * to *ret_front ("" for none). */
static bool below(struct str host, struct str base, struct str *ret_front)
{
    if (host.n < base.n || !str_eq_nocase(str_sub(host, host.n - base.n, base.n), base))
        return false;
    if (host.n == base.n) {
        *ret_front = STR("");
        return true;
    }
    if (host.p[host.n - base.n - 1] != '.')
        return false;
    *ret_front = str_sub(host, 0, host.n - base.n - 1);
    return true;
}

static struct optstr first_of_three(struct str host)
{
    struct str rest = host;
    if (host.n > 4 && str_eq_nocase(str_sub(host, 0, 4), STR("www.")))
        rest = str_sub(host, 4, host.n);
    struct str name = rest;
    struct str first = str_cut(&rest, '.');
    if (!rest.p || str_index(rest, '.') == rest.n)
        return optstr_none();
    return optstr_some(str_sub(name, 0, first.n));
}

static bool has_empty_label(struct str host)
{
    for (size_t i = 0; i < host.n; i++)
        if (host.p[i] == '.' && (i == 0 || i + 1 == host.n || host.p[i + 1] == '.'))
            return true;
    return false;
}

int tenant_label(const struct tenant_rules *rules, struct str host, struct optstr *ret,
                 struct err *e)
{
    *ret = optstr_none();
    if (host.n == 0 || host.p[0] == '[')
        return 0;
    host = str_sub(host, 0, str_index(host, ':'));
    if (str_ends(host, STR(".")))
        host = str_sub(host, 0, host.n - 1);
    if (has_empty_label(host))
        return err_set(e, ERR_MALFORMED, "The host has an empty label");
    if (host.n == 0 || is_address(host))
        return 0;
    const struct str *best = NULL;
    struct str front = STR("");
    for (size_t i = 0; i < rules->n_bases; i++) {
        struct str f;
        if (below(host, rules->bases[i], &f) && (!best || best->n < rules->bases[i].n)) {
            best = &rules->bases[i];
            front = f;
        }
    }
    if (!best) {
        if (!rules->bases_set)
            *ret = first_of_three(host);
        return 0;
    }
    if (host.n == best->n)
        return 0;
    if (str_index(front, '.') < front.n)
        return err_set(e, ERR_MALFORMED, "More than one label is in front of the domain %.*s",
                       STR_ARG(*best));
    *ret = optstr_some(front);
    return 0;
}

static int name_of_header(const struct head *head, struct tenant_name *ret, bool *ret_present,
                          struct err *e)
{
    size_t count;
    struct optstr value = head_find(head, STR("X-Tenant"), &count);
    *ret_present = count > 0;
    if (count > 1)
        return err_set(e, ERR_MALFORMED, "More than one X-Tenant field");
    return count ? tenant_name_parse(optstr_or(value, STR("")), ret, e) : 0;
}

int tenant_resolve(const struct tenant_rules *rules, const struct head *head, struct str host,
                   struct optstr in_path, struct tenant_name *ret, enum tenant_source *ret_source,
                   struct err *e)
{
    struct tenant_name by_header = {0}, by_host = {0}, by_path = {0};
    bool in_header;
    struct optstr label;
    int rc = name_of_header(head, &by_header, &in_header, e);
    if (rc == 0)
        rc = tenant_label(rules, host, &label, e);
    if (rc == 0 && optstr_is_some(label))
        rc = tenant_name_parse(optstr_or(label, STR("")), &by_host, e);
    if (rc == 0 && optstr_is_some(in_path))
        rc = tenant_name_parse(optstr_or(in_path, STR("")), &by_path, e);
    if (rc < 0)
        return rc;
    if (in_header) {
        *ret = by_header;
        *ret_source = TENANT_BY_HEADER;
    } else if (optstr_is_some(label)) {
        *ret = by_host;
        *ret_source = TENANT_BY_HOST;
    } else if (optstr_is_some(in_path)) {
        *ret = by_path;
        *ret_source = TENANT_BY_PATH;
    } else {
        *ret_source = TENANT_BY_DEFAULT;
        return tenant_name_parse(STR("default"), ret, e);
    }
    return 0;
}
