/*
 * The one place where a tenant's name is checked.
 *
 * The folded bytes are what is kept, compared and put into a file's name, so
 * two spellings of one name are one tenant, and nothing else ever is. Pure.
 */
#include "engine/tenant_name.h"

/* What LiteFS and SQLite put behind a database's name. */
static const struct str reserved_ends[] = {
    STR_INIT("-pos"), STR_INIT("-lock"), STR_INIT("-journal"), STR_INIT("-wal"), STR_INIT("-shm")};

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool begins_name(char folded)
{
    return (folded >= 'a' && folded <= 'z') || (folded >= '0' && folded <= '9');
}

static bool inside_name(char folded)
{
    return begins_name(folded) || folded == '_' || folded == '-';
}

static int refuse_characters(struct err *e)
{
    return err_set(e, ERR_MALFORMED,
                   "a tenant's name is 1 to %d of the characters a-z, 0-9, '_' and '-', "
                   "and begins with a letter or digit",
                   TENANT_NAME_MAX);
}

int tenant_name_parse(struct str in, struct tenant_name *ret, struct err *e)
{
    if (in.n == 0 || in.n > TENANT_NAME_MAX)
        return refuse_characters(e);
    struct tenant_name t = {.n = (uint8_t)in.n};
    for (size_t i = 0; i < in.n; i++) {
        t.s[i] = fold(in.p[i]);
        if (!(i ? inside_name(t.s[i]) : begins_name(t.s[i])))
            return refuse_characters(e);
    }
    for (size_t i = 0; i < sizeof reserved_ends / sizeof *reserved_ends; i++) {
        if (str_ends(tenant_name_str(&t), reserved_ends[i]))
            return err_set(e, ERR_MALFORMED,
                           "a tenant's name must not end in -pos, -lock, -journal, -wal or -shm: "
                           "files beside the database are called so");
    }
    *ret = t;
    return 0;
}

bool tenant_name_of_file(struct str file, struct tenant_name *ret)
{
    const struct str ending = STR(".db");
    if (!str_ends(file, ending))
        return false;
    struct str stem = str_sub(file, 0, file.n - ending.n);
    struct tenant_name t = {.n = 0};
    /* "ACME.db" is nobody's: the tenant acme has "acme.db". */
    if (tenant_name_parse(stem, &t, NULL) || !str_eq(tenant_name_str(&t), stem))
        return false;
    *ret = t;
    return true;
}
