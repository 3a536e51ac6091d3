/*
 * If-Match and If-None-Match. An input is either lists as they are, of which
 * only little can be said, or tags from which well-formed lists are printed,
 * so that the answer is known. Also: tags of different parts differ.
 */
#include "http/etag.h"

#include "fuzz.h"
#include "oracle.h"

enum { FIELDS_MAX = 8, TAGS = 6 };

static const char *const tags[TAGS] = {"\"a\"",   "\"ab\"", "\"\"",
                                       "\"a,b\"", "\"W/\"", "\"\xc3\xa9\""};

/* Bytes name tags: index, weak, a new field before it, spaces. */
static void check_lists(struct str rest, struct str etag)
{
    struct buf lists[FIELDS_MAX] = {BUF_INIT};
    struct header fields[FIELDS_MAX];
    size_t n = 1;
    bool strong = false, any = false;
    for (bool first = true; rest.n; first = false) {
        uint8_t what = fuzz_byte(&rest);
        const char *tag = tags[what % TAGS];
        bool weak = what & 8;
        if ((what & 16) && n < FIELDS_MAX && !first)
            n++;
        struct buf *out = &lists[n - 1];
        if (out->n)
            buf_add(out, what & 32 ? STR(" ,\t") : STR(","));
        buf_add(out, weak ? STR("W/") : STR(""));
        buf_add(out, str_from(tag));
        bool same = etag.n && str_eq(str_from(tag), etag);
        any = any || same;
        strong = strong || (same && !weak);
    }
    for (size_t i = 0; i < n; i++)
        fields[i] = (struct header){i % 2 ? STR("if-match") : STR("If-Match"),
                                    fuzz_own(buf_str(&lists[i]))};
    const struct head head = {.headers = fields, .n_headers = n};
    FUZZ_CHECK(etag_compare(&head, STR("If-Match"), etag, false) ==
               (strong ? ETAG_MATCH : ETAG_NO_MATCH));
    FUZZ_CHECK(etag_compare(&head, STR("If-Match"), etag, true) ==
               (any ? ETAG_MATCH : ETAG_NO_MATCH));
    FUZZ_CHECK(etag_compare(&head, STR("If-None-Match"), etag, true) == ETAG_NO_FIELD);
    for (size_t i = 0; i < FIELDS_MAX; i++)
        buf_free(&lists[i]);
}

static bool holds(struct str s, struct str part)
{
    for (size_t i = 0; i + part.n <= s.n; i++)
        if (memcmp(s.p + i, part.p, part.n) == 0)
            return true;
    return false;
}

static void check_raw(struct str rest, struct str etag)
{
    struct header fields[FIELDS_MAX];
    size_t n = 0;
    bool possible = false;
    while (rest.n && n < FIELDS_MAX) {
        struct str value = oracle_trim(fuzz_line(&rest));
        fields[n++] = (struct header){STR("If-None-Match"), value};
        possible = possible || (etag.n && (holds(value, etag) || str_eq(value, STR("*"))));
    }
    const struct head head = {.headers = fields, .n_headers = n};
    enum etag_match weak = etag_compare(&head, STR("If-None-Match"), etag, true);
    enum etag_match strong = etag_compare(&head, STR("If-None-Match"), etag, false);
    FUZZ_CHECK((weak == ETAG_NO_FIELD) == (n == 0) && (strong == ETAG_NO_FIELD) == (n == 0));
    FUZZ_CHECK(weak != ETAG_MATCH || possible);
    FUZZ_CHECK(strong != ETAG_MATCH || weak == ETAG_MATCH);
}

static void check_parts(struct str in, struct arena *a)
{
    struct str parts[3] = {str_make(in.p, in.n / 3), str_make(in.p + in.n / 3, in.n - in.n / 3),
                           STR("")};
    struct str tag = etag_of(a, parts, 2);
    FUZZ_CHECK(tag.n == 24 && tag.p[0] == '"' && tag.p[23] == '"');
    FUZZ_CHECK(!memchr(tag.p + 1, '"', 22));
    FUZZ_SAME(etag_of(a, parts, 2), tag);
    FUZZ_CHECK(!str_eq(etag_of(a, parts, 3), tag));
    const struct str moved[2] = {in, STR("")};
    FUZZ_CHECK(parts[1].n == 0 || !str_eq(etag_of(a, moved, 2), tag));
}

void fuzz_one(struct str in, struct arena *a)
{
    struct str rest = in;
    uint8_t what = fuzz_byte(&rest);
    struct str etag = what % 7 == TAGS ? STR("") : str_from(tags[what % 7]);
    if (what & 128)
        check_raw(rest, etag);
    else
        check_lists(rest, etag);
    check_parts(rest, a);
}
