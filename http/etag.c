/*
 * A tag that cannot be read matches nothing: a condition that is not
 * understood must not let a change through.
 */
#include "http/etag.h"

#include <sodium.h>

struct str etag_of(struct arena *arena, const struct str *parts, size_t n)
{
    unsigned char hash[16];
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof hash);
    for (size_t i = 0; i < n; i++) {
        uint64_t length = parts[i].n;
        crypto_generichash_update(&state, (const unsigned char *)&length, sizeof length);
        crypto_generichash_update(&state, (const unsigned char *)parts[i].p, parts[i].n);
    }
    crypto_generichash_final(&state, hash, sizeof hash);
    char text[32];
    sodium_bin2base64(text, sizeof text, hash, sizeof hash,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return arena_printf(arena, "\"%.22s\"", text);
}

/* One tag, cut off *rest; "" at the end of the list, which may have empty
 * elements (RFC 9110, section 5.6.1.2). False where the rest cannot be read. */
static bool next_tag(struct str *rest, struct str *ret_tag, bool *ret_weak)
{
    while (rest->n && (rest->p[0] == ' ' || rest->p[0] == '\t' || rest->p[0] == ','))
        *rest = str_sub(*rest, 1, rest->n);
    if (rest->n == 0) {
        *rest = (struct str){NULL, 0};
        *ret_tag = STR("");
        *ret_weak = false;
        return true;
    }
    *ret_weak = str_starts(*rest, STR("W/"));
    struct str s = *ret_weak ? str_sub(*rest, 2, rest->n) : *rest;
    if (s.n < 2 || s.p[0] != '"')
        return false;
    size_t end = str_index(str_sub(s, 1, s.n), '"') + 1;
    if (end == s.n)
        return false;
    *ret_tag = str_sub(s, 0, end + 1);
    struct str after = str_trim(str_sub(s, end + 1, s.n));
    if (after.n && after.p[0] != ',')
        return false;
    *rest = after.n ? str_sub(after, 1, after.n) : (struct str){NULL, 0};
    return true;
}

static bool list_has(struct str list, struct str etag, bool weak)
{
    if (str_eq(list, STR("*")))
        return etag.n > 0;
    struct str rest = list;
    while (rest.p) {
        struct str tag;
        bool is_weak;
        if (!next_tag(&rest, &tag, &is_weak))
            return false;
        if (etag.n && str_eq(tag, etag) && (weak || !is_weak))
            return true;
    }
    return false;
}

enum etag_match etag_compare(const struct head *h, struct str name, struct str etag, bool weak)
{
    enum etag_match match = ETAG_NO_FIELD;
    size_t at = 0;
    for (struct optstr v; optstr_is_some(v = head_next(h, name, &at));) {
        if (list_has(optstr_or(v, STR("")), etag, weak))
            return ETAG_MATCH;
        match = ETAG_NO_MATCH;
    }
    return match;
}
