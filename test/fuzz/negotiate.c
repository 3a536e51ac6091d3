/*
 * Accept and Content-Type. The first two bytes are sets of media types that a
 * route produces and consumes. Then an input is either fields as they are
 * ("A: ...", "C: ..."), of which only little can be said, or a list of wishes
 * from which well-formed fields are printed, so that the answer is known.
 */
#include "http/negotiate.h"

#include "fuzz.h"
#include "oracle.h"

enum { WISHES_MAX = 12, ALL_MEDIA = 63, N_TYPES = 9, FIELDS_MAX = 16 };

static const struct {
    const char *first, *second;
    unsigned bit; /* 0: not one of ours */
} types[N_TYPES] = {
    {"application", "json", MEDIA_JSON},
    {"text", "html", MEDIA_HTML},
    {"application", "x-www-form-urlencoded", MEDIA_FORM},
    {"application", "merge-patch+json", MEDIA_MERGE_PATCH},
    {"text", "event-stream", MEDIA_EVENTS},
    {"text", "plain", MEDIA_TEXT},
    {"text", "csv", 0},
    {"image", "png", 0},
    {"application", "jsonl", 0},
};

struct wish {
    unsigned type; /* of `types` */
    unsigned rank; /* 3: the type, 2: first/STAR, 1: STAR/STAR */
    bool level;    /* has a parameter, which must not matter */
    int q;         /* thousandths */
};

static void print_case(struct buf *out, const char *text, bool upper)
{
    for (; *text; text++)
        buf_char(out, upper && *text >= 'a' && *text <= 'z' ? (char)(*text - 32) : *text);
}

/* One element of Accept; `how` chooses spaces, case and unneeded parts. */
static void print_wish(const struct wish *w, uint8_t how, struct buf *out)
{
    const char *space = how & 1 ? " " : "", *tab = how & 2 ? "\t " : "";
    print_case(out, w->rank == 1 ? "*" : types[w->type].first, how & 4);
    buf_char(out, '/');
    print_case(out, w->rank < 3 ? "*" : types[w->type].second, how & 4);
    if (w->level)
        buf_printf(out, "%s;%slevel=\"1,;q=0\"", space, tab);
    if (how & 8)
        buf_printf(out, ";%scharset=%s", tab, how & 4 ? "UTF-8" : "\"utf-8\"");
    if (w->q < 1000)
        buf_printf(out, "%s;%s%c=0.%03d", tab, space, how & 4 ? 'Q' : 'q', w->q);
    else if (how & 16)
        buf_printf(out, ";q=1.%.*s", how & 3, "000");
    buf_add(out, str_from(tab));
}

/* Of the most exact wish for this type; -1 where there is none. Of two that are
 * as exact, the larger. */
static int oracle_q(const struct wish *wishes, size_t n, unsigned bit)
{
    unsigned best = 0;
    int q = -1;
    for (size_t i = 0; i < n; i++) {
        const struct wish *w = &wishes[i];
        bool matches = w->rank == 1;
        for (unsigned t = 0; t < N_TYPES && !matches; t++)
            matches = types[t].bit == bit &&
                      (w->rank == 3 ? t == w->type : !strcmp(types[t].first, types[w->type].first));
        if (!matches || w->rank < best)
            continue;
        q = w->rank > best || w->q > q ? w->q : q;
        best = w->rank;
    }
    return q;
}

static unsigned oracle_choice(const struct wish *wishes, size_t n, unsigned produces)
{
    unsigned best = 0;
    int best_q = 0;
    for (unsigned bit = 1; bit <= ALL_MEDIA; bit <<= 1) {
        int q = n ? oracle_q(wishes, n, bit) : 1000;
        if ((produces & bit) && q > best_q) {
            best = bit;
            best_q = q;
        }
    }
    return best;
}

static void check_wishes(struct str rest, unsigned produces)
{
    struct wish wishes[WISHES_MAX];
    struct buf lists[2] = {BUF_INIT, BUF_INIT};
    struct header fields[2];
    size_t n = 0;
    for (; rest.n >= 3 && n < WISHES_MAX; n++) {
        uint8_t what = fuzz_byte(&rest), how = fuzz_byte(&rest), q = fuzz_byte(&rest);
        struct buf *out = &lists[how >> 7];
        wishes[n] = (struct wish){.type = what % N_TYPES,
                                  .rank = 1 + (what >> 4) % 3,
                                  .level = what >> 7,
                                  .q = q < 200 ? q * 5 : 1000};
        if (out->n)
            buf_lit(out, ", ");
        print_wish(&wishes[n], how, out);
    }
    for (int i = 0; i < 2; i++)
        fields[i] = (struct header){i ? STR("accept") : STR("Accept"),
                                    fuzz_own(oracle_trim(buf_str(&lists[i])))};
    const struct head head = {.headers = fields, .n_headers = 2};
    FUZZ_CHECK(negotiate_accept(&head, produces) == oracle_choice(wishes, n, produces));
    buf_free(&lists[0]);
    buf_free(&lists[1]);
}

/* A well-formed Content-Type, once or twice. */
static void check_content(uint8_t what, uint8_t how, unsigned consumes)
{
    static const char *const charsets[] = {"", "; charset=utf-8", ";charset=\"UTF-8\"",
                                           "; charset=iso-8859-1", ";\tfoo=\"charset=x;\""};
    struct buf out = BUF_INIT;
    const unsigned type = what % N_TYPES, charset = (how >> 1) % 5;
    print_case(&out, types[type].first, how & 1);
    buf_char(&out, '/');
    print_case(&out, types[type].second, how & 1);
    buf_add(&out, str_from(charsets[charset]));
    struct str value = fuzz_own(buf_str(&out));
    struct header fields[2] = {{STR("Content-Type"), value}, {STR("content-type"), value}};
    struct head head = {.headers = fields, .n_headers = 1};
    unsigned right = charset == 3 ? 0 : types[type].bit & consumes;
    FUZZ_CHECK(negotiate_content(&head, consumes) == right);
    head.n_headers = 2;
    FUZZ_CHECK(negotiate_content(&head, consumes) == 0);
    head.n_headers = 0;
    FUZZ_CHECK(negotiate_content(&head, consumes) == 0);
    buf_free(&out);
}

static void check_raw(struct str rest, unsigned produces, unsigned consumes)
{
    struct header fields[FIELDS_MAX];
    size_t n = 0;
    while (rest.n && n < FIELDS_MAX) {
        struct str name = fuzz_byte(&rest) == 'C' ? STR("Content-Type") : STR("Accept");
        fields[n++] = (struct header){name, oracle_trim(fuzz_line(&rest))};
    }
    const struct head head = {.headers = fields, .n_headers = n};
    unsigned accepts = negotiate_accept(&head, produces);
    unsigned content = negotiate_content(&head, consumes);
    FUZZ_CHECK((accepts & ~produces) == 0 && (accepts & (accepts - 1)) == 0);
    FUZZ_CHECK((content & ~consumes) == 0 && (content & (content - 1)) == 0);
}

void fuzz_one(struct str in, struct arena *a)
{
    (void)a;
    struct str rest = in;
    uint8_t first = fuzz_byte(&rest), second = fuzz_byte(&rest);
    unsigned produces = first & ALL_MEDIA, consumes = second & ALL_MEDIA;
    if (first & 64) {
        check_raw(rest, produces, consumes);
    } else {
        check_content(fuzz_byte(&rest), fuzz_byte(&rest), consumes);
        check_wishes(rest, produces);
    }
}
