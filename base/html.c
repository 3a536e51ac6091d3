/*
 * Escaping for generated templates, and the URL builders.
 *
 * Every escape works alike: find the end of the run that needs nothing, append
 * it in one copy, append what stands for the byte behind it, go on. Pages are
 * mostly such runs, so the cost is one table look-up a byte and one memcpy a
 * run. Nothing here knows of contexts; tmplgen chooses.
 */
#include "base/html.h"

/* Which bytes HTML cannot have as they are, and what stands for each. Bytes
 * map to small numbers first, so that the table of every byte stays small. */
static const unsigned char HTML_CLASS[256] = {
    [0] = 1, ['"'] = 2, ['&'] = 3, ['\''] = 4, ['<'] = 5, ['>'] = 6,
};
static const struct str HTML_ESCAPES[] = {
    [1] = STR_INIT("\xef\xbf\xbd"), [2] = STR_INIT("&#34;"), [3] = STR_INIT("&amp;"),
    [4] = STR_INIT("&#39;"),        [5] = STR_INIT("&lt;"),  [6] = STR_INIT("&gt;"),
};

/* The same for JSON text in a script block. */
static const unsigned char JSON_CLASS[256] = {['&'] = 1, ['<'] = 2, ['>'] = 3};
static const struct str JSON_ESCAPES[] = {
    [1] = STR_INIT("\\u0026"),
    [2] = STR_INIT("\\u003c"),
    [3] = STR_INIT("\\u003e"),
};

static void escape_by_class(struct buf *out, struct str s, const unsigned char class[256],
                            const struct str *escapes)
{
    size_t start = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned char with = class[(unsigned char)s.p[i]];
        if (!with)
            continue;
        buf_add(out, str_make(s.p + start, i - start));
        buf_add(out, escapes[with]);
        start = i + 1;
    }
    if (start < s.n)
        buf_add(out, str_make(s.p + start, s.n - start));
}

void html_escape(struct buf *out, struct str s)
{
    escape_by_class(out, s, HTML_CLASS, HTML_ESCAPES);
}

void html_json_text(struct buf *out, struct json_text j)
{
    escape_by_class(out, j.s, JSON_CLASS, JSON_ESCAPES);
}

static void json_escape_byte(struct buf *out, unsigned char c)
{
    static const char HEX[] = "0123456789abcdef";

    if (c == '"')
        buf_lit(out, "\\\"");
    else if (c == '\\')
        buf_lit(out, "\\\\");
    else
        buf_add(out, str_make((const char[]){'\\', 'u', '0', '0', HEX[c >> 4], HEX[c & 15]}, 6));
}

static bool json_must_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&';
}

void html_json_string(struct buf *out, struct str s)
{
    size_t start = 0;

    buf_char(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (!json_must_escape(c))
            continue;
        buf_add(out, str_make(s.p + start, i - start));
        json_escape_byte(out, c);
        start = i + 1;
    }
    if (start < s.n)
        buf_add(out, str_make(s.p + start, s.n - start));
    buf_char(out, '"');
}

static bool url_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void url_encode(struct buf *out, struct str s)
{
    static const char HEX[] = "0123456789ABCDEF";
    size_t start = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (url_unreserved(c))
            continue;
        buf_add(out, str_make(s.p + start, i - start));
        buf_add(out, str_make((const char[]){'%', HEX[c >> 4], HEX[c & 15]}, 3));
        start = i + 1;
    }
    if (start < s.n)
        buf_add(out, str_make(s.p + start, s.n - start));
}

void url_encode_segment(struct buf *out, struct str s)
{
    if (str_eq(s, STR(".")))
        buf_lit(out, "%252E");
    else if (str_eq(s, STR("..")))
        buf_lit(out, "%252E%252E");
    else
        url_encode(out, s);
}

void url_encode_first(struct buf *out, struct str s)
{
    if (s.n == 0)
        buf_char(out, '.');
    else
        url_encode_segment(out, s);
}

/* Moves what was built into the arena. */
static struct url url_finish(struct arena *a, struct buf *built)
{
    struct str s = buf_ok(built) ? arena_copy(a, buf_str(built)) : STR("");

    buf_free(built);
    return (struct url){s.p ? s : STR("")};
}

struct url url_path_parts(struct arena *a, const struct str *parts, size_t n)
{
    struct buf b = BUF_INIT;

    if (n == 0)
        buf_char(&b, '/');
    for (size_t i = 0; i < n; i++) {
        buf_char(&b, '/');
        if (i == 0)
            url_encode_first(&b, parts[i]);
        else
            url_encode_segment(&b, parts[i]);
    }
    return url_finish(a, &b);
}

struct url url_query_add(struct arena *a, struct url u, struct str key, struct str value)
{
    struct buf b = BUF_INIT;
    size_t end = str_index(u.s, '#');
    struct str head = str_sub(u.s, 0, end);

    buf_add(&b, head);
    buf_char(&b, str_index(head, '?') < head.n ? '&' : '?');
    url_encode(&b, key);
    buf_char(&b, '=');
    url_encode(&b, value);
    buf_add(&b, str_sub(u.s, end, u.s.n - end));
    return url_finish(a, &b);
}
