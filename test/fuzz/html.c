/*
 * Escaping for pages: nothing that means something in the context is left, and
 * what a browser makes of the result is the input again.
 */
#include "base/html.h"

#include <jansson.h>

#include "fuzz.h"
#include "oracle.h"

/* As a browser decodes text: the references that html_escape() uses. */
static struct str decoded(struct arena *a, struct str s)
{
    static const struct {
        const char *reference;
        char c;
    } known[] = {{"&#34;", '"'}, {"&amp;", '&'}, {"&#39;", '\''}, {"&lt;", '<'}, {"&gt;", '>'}};
    char *out = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; n++) {
        size_t k = 0;
        out[n] = s.p[i];
        if (s.p[i++] != '&')
            continue;
        while (k < 5 && (s.n - (i - 1) < strlen(known[k].reference) ||
                         memcmp(s.p + i - 1, known[k].reference, strlen(known[k].reference)) != 0))
            k++;
        FUZZ_CHECK(k < 5);
        out[n] = known[k].c;
        i += strlen(known[k].reference) - 1;
    }
    return str_make(out, n);
}

static struct str without_nul(struct arena *a, struct str s)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < s.n; i++)
        buf_add(&b, s.p[i] ? str_make(s.p + i, 1) : STR("\xef\xbf\xbd"));
    struct str copy = arena_copy(a, buf_str(&b));
    buf_free(&b);
    return copy;
}

static void check_text(struct str in, struct arena *a)
{
    struct buf out = BUF_INIT;
    html_escape(&out, in);
    for (size_t i = 0; i < out.n; i++)
        FUZZ_CHECK(out.p[i] && !strchr("<>\"'", out.p[i]));
    FUZZ_SAME(decoded(a, buf_str(&out)), without_nul(a, in));
    buf_free(&out);
}

static void check_no_markup(const struct buf *out)
{
    for (size_t i = 0; i < out->n; i++)
        FUZZ_CHECK(out->p[i] != '<' && out->p[i] != '>' && out->p[i] != '&');
}

static void check_script(struct str in)
{
    struct buf out = BUF_INIT, again = BUF_INIT;
    html_json_string(&out, in);
    check_no_markup(&out);
    if (oracle_utf8_valid(in)) {
        json_t *j = json_loadb(out.p, out.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        FUZZ_CHECK(json_is_string(j));
        FUZZ_SAME(str_make(json_string_value(j), json_string_length(j)), in);
        json_decref(j);
    }
    html_json_text(&again, json_text_of(&out));
    FUZZ_SAME(buf_str(&again), buf_str(&out));
    buf_free(&out);
    buf_free(&again);
}

/* JSON text stays the same value. */
static void check_json_text(struct str in)
{
    json_t *before = json_loadb(in.p, in.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!before)
        return;
    struct buf out = BUF_INIT;
    html_json_text(&out, (struct json_text){in});
    check_no_markup(&out);
    json_t *after = json_loadb(out.p, out.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    FUZZ_CHECK(after && json_equal(before, after));
    json_decref(before);
    json_decref(after);
    buf_free(&out);
}

/* Decodes without a wish for UTF-8. */
static struct str url_decoded(struct arena *a, struct str s)
{
    struct buf out = BUF_INIT;
    struct str rest = s;
    while (rest.n) {
        size_t n = rest.p[0] == '%' && rest.n >= 3 ? 3 : 1;
        oracle_percent_decode(str_make(rest.p, n), false, &out);
        rest = str_make(rest.p + n, rest.n - n);
    }
    struct str copy = arena_copy(a, buf_str(&out));
    buf_free(&out);
    return copy;
}

static void check_url_bytes(struct str s, const char *also)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool unreserved = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                          (c >= 'a' && c <= 'z') || (c && strchr("-._~", c));
        FUZZ_CHECK(unreserved || (c && (c == '%' || strchr(also, c))));
    }
}

/* Two parts and a query. */
static void check_path(struct str first, struct str second, struct str value, struct arena *a)
{
    struct url u = url_path(a, first, STR("items"), second);
    check_url_bytes(u.s, "/");
    FUZZ_CHECK(u.s.n > 1 && u.s.p[0] == '/' && u.s.p[1] != '/');
    struct str rest = str_make(u.s.p + 1, u.s.n - 1), part = {NULL, 0};
    for (int i = 0; i < 3; i++) {
        FUZZ_CHECK(rest.p != NULL);
        part = str_cut(&rest, '/');
        struct str plain = url_decoded(a, part);
        if (i != 0 || plain.n != 1) /* an empty first one is a dot, alone */
            FUZZ_CHECK(!str_eq(plain, STR(".")) && !str_eq(plain, STR("..")));
    }
    FUZZ_CHECK(rest.p == NULL);
    if (!str_eq(second, STR(".")) && !str_eq(second, STR("..")))
        FUZZ_SAME(url_decoded(a, part), second);
    struct url with_query = url_query_add(a, u, STR("q"), value);
    check_url_bytes(with_query.s, "/?=");
    FUZZ_CHECK(with_query.s.n >= u.s.n + 3 && memcmp(with_query.s.p + u.s.n, "?q=", 3) == 0);
    FUZZ_SAME(url_decoded(a, str_make(with_query.s.p + u.s.n + 3, with_query.s.n - u.s.n - 3)),
              value);
}

void fuzz_one(struct str in, struct arena *a)
{
    check_text(in, a);
    check_script(in);
    check_json_text(in);
    struct str rest = in, first = fuzz_line(&rest), second = fuzz_line(&rest);
    check_path(first, second, rest, a);
}
