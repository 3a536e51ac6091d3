/*
 * Accept is read leniently (an element that cannot be read is passed over,
 * as browsers and scripts send odd ones), Content-Type strictly.
 */
#include "http/negotiate.h"

static const struct {
    enum media bit;
    struct str type;       /* compared */
    const char *full_type; /* sent */
} medias[] = {
    {MEDIA_JSON, STR_INIT("application/json"), "application/json"},
    {MEDIA_HTML, STR_INIT("text/html"), "text/html; charset=utf-8"},
    {MEDIA_FORM, STR_INIT("application/x-www-form-urlencoded"),
     "application/x-www-form-urlencoded"},
    {MEDIA_MERGE_PATCH, STR_INIT("application/merge-patch+json"), "application/merge-patch+json"},
    {MEDIA_EVENTS, STR_INIT("text/event-stream"), "text/event-stream"},
    {MEDIA_TEXT, STR_INIT("text/plain"), "text/plain; charset=utf-8"},
};

enum { N_MEDIAS = sizeof medias / sizeof *medias };

const char *media_type(enum media m)
{
    for (size_t i = 0; i < N_MEDIAS; i++)
        if (medias[i].bit == m)
            return medias[i].full_type;
    return "application/octet-stream";
}

void media_list(unsigned set, struct buf *out)
{
    size_t before = out->n;
    for (size_t i = 0; i < N_MEDIAS; i++) {
        if (!(set & medias[i].bit))
            continue;
        if (out->n > before)
            buf_lit(out, ", ");
        buf_add(out, medias[i].type);
    }
}

/* Cuts up to the next `sep` outside of a quoted string. */
static struct str cut_unquoted(struct str *rest, char sep)
{
    bool quoted = false;
    for (size_t i = 0; i < rest->n; i++) {
        if (quoted && rest->p[i] == '\\')
            i++;
        else if (rest->p[i] == '"')
            quoted = !quoted;
        else if (!quoted && rest->p[i] == sep) {
            struct str part = str_sub(*rest, 0, i);
            *rest = str_sub(*rest, i + 1, rest->n);
            return part;
        }
    }
    struct str all = *rest;
    *rest = (struct str){NULL, 0};
    return all;
}

/* A weight in thousandths (RFC 9110, section 12.4.2), or -1. */
static int parse_weight(struct str s)
{
    if (s.n == 0 || s.n > 5 || (s.p[0] != '0' && s.p[0] != '1') || (s.n > 1 && s.p[1] != '.'))
        return -1;
    int weight = (s.p[0] - '0') * 1000, unit = 100;
    for (size_t i = 2; i < s.n; i++, unit /= 10) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        weight += (s.p[i] - '0') * unit;
    }
    return weight <= 1000 ? weight : -1;
}

struct range {
    struct str type; /* a type, or one with stars */
    int weight;      /* thousandths */
};

static bool parse_range(struct str element, struct range *ret)
{
    struct str rest = element;
    struct range r = {.type = str_trim(cut_unquoted(&rest, ';')), .weight = 1000};
    if (str_index(r.type, '/') == r.type.n)
        return false;
    while (rest.p) {
        struct str value = str_trim(cut_unquoted(&rest, ';'));
        struct str key = str_trim(str_cut(&value, '='));
        value = str_trim(value.p ? value : STR(""));
        if (str_eq_nocase(key, STR("q"))) {
            r.weight = parse_weight(value);
            break; /* what follows q are extensions of Accept */
        }
    }
    *ret = r;
    return r.weight >= 0;
}

/* How closely a range names a type: 0 not at all, 1 by all, 2 by the first
 * half, 3 by name. */
static int match_rank(const struct range *r, struct str type)
{
    if (str_eq(r->type, STR("*/*")))
        return 1;
    size_t slash = str_index(type, '/');
    if (r->type.n == slash + 2 && r->type.p[slash + 1] == '*' &&
        str_eq_nocase(str_sub(r->type, 0, slash + 1), str_sub(type, 0, slash + 1)))
        return 2;
    return str_eq_nocase(r->type, type) ? 3 : 0; /* its parameters do not matter */
}

struct wish {
    int rank, weight;
};

static void note_range(const struct range *r, struct wish wishes[N_MEDIAS])
{
    for (size_t i = 0; i < N_MEDIAS; i++) {
        int rank = match_rank(r, medias[i].type);
        if (rank > wishes[i].rank)
            wishes[i] = (struct wish){rank, r->weight};
        else if (rank && rank == wishes[i].rank && r->weight > wishes[i].weight)
            wishes[i].weight = r->weight;
    }
}

enum media negotiate_accept(const struct head *h, unsigned produces)
{
    struct wish wishes[N_MEDIAS] = {{0}};
    bool any = false;
    size_t at = 0;
    for (struct optstr v; optstr_is_some(v = head_next(h, STR("Accept"), &at));) {
        struct str rest = optstr_or(v, STR(""));
        while (rest.p) {
            struct range r;
            if (parse_range(cut_unquoted(&rest, ','), &r)) {
                any = true;
                note_range(&r, wishes);
            }
        }
    }
    unsigned best = 0;
    int best_weight = 0;
    for (size_t i = 0; i < N_MEDIAS; i++) {
        int weight = any ? wishes[i].weight : 1000;
        if ((produces & medias[i].bit) && weight > best_weight) {
            best = medias[i].bit;
            best_weight = weight;
        }
    }
    return (enum media)best;
}

enum media negotiate_content(const struct head *h, unsigned consumes)
{
    size_t count;
    struct str rest = optstr_or(head_find(h, STR("Content-Type"), &count), STR(""));
    if (count != 1)
        return (enum media)0;
    struct str type = str_trim(cut_unquoted(&rest, ';'));
    while (rest.p) {
        struct str value = str_trim(cut_unquoted(&rest, ';'));
        struct str key = str_trim(str_cut(&value, '='));
        value = value.p ? str_trim(value) : STR("");
        if (str_eq_nocase(key, STR("charset")) && !str_eq_nocase(value, STR("utf-8")) &&
            !str_eq_nocase(value, STR("\"utf-8\"")) && !str_eq_nocase(value, STR("utf8")))
            return (enum media)0;
    }
    for (size_t i = 0; i < N_MEDIAS; i++)
        if ((consumes & medias[i].bit) && str_eq_nocase(type, medias[i].type))
            return medias[i].bit;
    return (enum media)0;
}
