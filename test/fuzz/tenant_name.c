/*
 * Tenant names: what is accepted is what the contract's regular expression
 * accepts, folded, and safe as a part of a file's name.
 */
#include "engine/tenant_name.h"

#include "fuzz.h"
#include "oracle.h"

static void check_accepted(struct str in, const struct tenant_name *t)
{
    struct tenant_name again;
    struct str name = tenant_name_str(t);
    FUZZ_CHECK(name.n == in.n && t->s[t->n] == '\0');
    FUZZ_CHECK(!memchr(name.p, '/', name.n) && !memchr(name.p, '.', name.n));
    FUZZ_CHECK(tenant_name_parse(name, &again, NULL) == 0);
    FUZZ_SAME(tenant_name_str(&again), name);
}

static void check_file_name(struct str in, struct arena *a)
{
    struct tenant_name t, untouched;
    memset(&t, 0x5a, sizeof t);
    untouched = t;
    char folded[64];
    bool ours = in.n > 3 && memcmp(in.p + in.n - 3, ".db", 3) == 0 &&
                oracle_tenant_name(str_make(in.p, in.n - 3), folded) &&
                strncmp(folded, in.p, in.n - 3) == 0;
    FUZZ_CHECK(tenant_name_of_file(in, &t) == ours);
    if (!ours) {
        FUZZ_CHECK(memcmp(&t, &untouched, sizeof t) == 0);
        return;
    }
    struct str file = arena_printf(a, "%s.db", t.s);
    FUZZ_SAME(file, in);
}

void fuzz_one(struct str in, struct arena *a)
{
    struct tenant_name t, untouched;
    struct err e = ERR_INIT;
    char folded[64];
    memset(&t, 0x5a, sizeof t);
    untouched = t;
    int rc = tenant_name_parse(in, &t, &e);
    FUZZ_CHECK(rc == 0 || rc == ERR_MALFORMED);
    FUZZ_CHECK((rc == 0) == oracle_tenant_name(in, folded));
    if (rc == 0) {
        FUZZ_SAME(tenant_name_str(&t), str_from(folded));
        check_accepted(in, &t);
        in = arena_printf(a, "%s.db", t.s);
    } else {
        FUZZ_CHECK(memcmp(&t, &untouched, sizeof t) == 0);
        FUZZ_CHECK(e.code == ERR_MALFORMED && e.text[0] != '\0');
    }
    check_file_name(in, a);
}
