/*
 * Which tenant a request is for.
 *
 * X-Tenant field > subdomain > path > "default". A bad name in any place that
 * is present is refused, even where a higher place has a good one. Pure; any
 * thread.
 */
#ifndef ROWHOUSE_HTTP_TENANT_H
#define ROWHOUSE_HTTP_TENANT_H

#include "engine/tenant_name.h"
#include "http/head.h"

enum { TENANT_BASES_MAX = 32 };

struct tenant_rules {
    struct str bases[TENANT_BASES_MAX]; /* in lower case, in `memory` */
    size_t n_bases;
    bool bases_set; /* by somebody: then no other host names a tenant */
    struct arena memory;
};

/* Reads BASE_DOMAIN (a list with commas); where it was not set, the default
 * with `fly_app`.fly.dev (NULL: not on Fly). ERR_USAGE. */
int tenant_rules_make(const char *base_domain, bool set, const char *fly_app,
                      struct tenant_rules *ret, struct err *e);
void tenant_rules_free(struct tenant_rules *r);

enum tenant_source { TENANT_BY_DEFAULT, TENANT_BY_PATH, TENANT_BY_HOST, TENANT_BY_HEADER };

/* `host` with its port, "" for none; `in_path` is decoded. ERR_MALFORMED. */
int tenant_resolve(const struct tenant_rules *rules, const struct head *head, struct str host,
                   struct optstr in_path, struct tenant_name *ret, enum tenant_source *ret_source,
                   struct err *e);

/* The label of the host that names a tenant, or nothing. ERR_MALFORMED where
 * more than one label is in front of a base domain. */
int tenant_label(const struct tenant_rules *rules, struct str host, struct optstr *ret,
                 struct err *e);

#endif
