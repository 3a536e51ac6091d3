/*
 * Tenant names.
 *
 * A `struct tenant_name` can only be made here, so a name that was not
 * checked cannot reach a file. The rule: `^[a-z0-9][a-z0-9_-]{0,62}$` after
 * folding ASCII letters to lower case, and not ending in -pos, -lock,
 * -journal, -wal or -shm, which LiteFS and SQLite put behind a database's
 * name. A bad name is refused, never changed. Pure; any thread.
 */
#ifndef ROWHOUSE_ENGINE_TENANT_NAME_H
#define ROWHOUSE_ENGINE_TENANT_NAME_H

#include "base/err.h"
#include "base/str.h"

enum { TENANT_NAME_MAX = 63 };

struct tenant_name {
    uint8_t n;
    char s[TENANT_NAME_MAX + 1]; /* NUL-terminated */
};

/* ERR_MALFORMED with a text that states the rule. *ret is untouched then. */
int tenant_name_parse(struct str in, struct tenant_name *ret, struct err *e);

static inline struct str tenant_name_str(const struct tenant_name *t)
{
    return (struct str){t->s, t->n};
}

/* The tenant of a file name such as "acme.db"; false where it is none. */
bool tenant_name_of_file(struct str file, struct tenant_name *ret);

#endif
