/*
 * The run time of generated templates: escaping by context, and the types
 * that say what a string already is.
 *
 * tmplgen knows in which context of the page every `{{ expr }}` stands and
 * emits one of the macros html_text() .. html_json() for it. Each takes only
 * the types that are safe there; any other type, or a value that may be
 * missing, does not compile:
 *
 *   html_text       between tags          struct str, integers, struct html
 *   html_rcdata     <title>, <textarea>   struct str, integers
 *   html_attr       quoted attribute      struct str, integers
 *   html_url        a whole URL           struct url
 *   html_url_path   a part of a path      struct str, integers
 *   html_url_first  its first part        struct str, integers
 *   html_url_query  a part of a query     struct str, integers
 *   html_json       JSON script block     struct str (as a string, with its
 *                                         quotes), integers, struct json_text
 *
 * Bytes that are not UTF-8 pass through: browsers decode them as U+FFFD, and
 * no such byte can hide one that matters to HTML. NUL becomes U+FFFD.
 *
 * All functions append to a buffer and inherit its rule: one thread at a
 * time. The URL builders allocate from the arena that they are given, and
 * answer an empty URL where memory is out.
 */
#ifndef ROWHOUSE_BASE_HTML_H
#define ROWHOUSE_BASE_HTML_H

#include "base/buf.h"

/* Markup that is safe to put between tags as it is. There is no way to make
 * one from a string but html_rendered(): it comes from templates. */
struct html {
    struct str s;
};

/* A whole URL or a reference that starts at a path: safe in href and src once
 * its bytes are escaped for the attribute. */
struct url {
    struct str s;
};

/* One complete JSON value, as base/json.h writes it. */
struct json_text {
    struct str s;
};

/* What a template's function appended to b; borrowed from b. */
static inline struct html html_rendered(const struct buf *b)
{
    return (struct html){buf_str(b)};
}

/* What a JSON writer appended to b; borrowed from b. */
static inline struct json_text json_text_of(const struct buf *b)
{
    return (struct json_text){buf_str(b)};
}

/* ---- URLs ---- */

/* A URL of the program's own, known at compile time. */
#define url_literal(lit) ((struct url){STR(lit)})

/*
 * An absolute path of segments, each percent-encoded:
 * url_path(a, STR("tenant"), name, STR("items")) is /tenant/NAME/items.
 * A segment that is `.` or `..` cannot be expressed in a URL (browsers resolve
 * it even when it is encoded), so its dots are encoded twice. An empty first
 * segment becomes a dot, so that no path begins with `//`.
 */
#define url_path(arena, ...)                                                                       \
    url_path_parts((arena), (const struct str[]){__VA_ARGS__},                                     \
                   sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str))
struct url url_path_parts(struct arena *a, const struct str *parts, size_t n);

/* u with `key=value` added to its query, both percent-encoded; a fragment
 * stays behind it. */
struct url url_query_add(struct arena *a, struct url u, struct str key, struct str value);

/* ---- what the macros below choose from; also of use by themselves ---- */

/* Escapes & < > " ' and NUL: right in text and in quoted attributes. */
void html_escape(struct buf *out, struct str s);

/* Percent-encodes all but letters, digits and - . _ ~ */
void url_encode(struct buf *out, struct str s);

/* As url_encode; a part that is `.` or `..` has its dots encoded twice. */
void url_encode_segment(struct buf *out, struct str s);

/* As url_encode_segment, for what follows the first slash: nothing becomes a
 * dot, for the next slash would make `//`, and what follows that a host. */
void url_encode_first(struct buf *out, struct str s);

/* A JSON string with its quotes, in which `<`, `>` and `&` are escaped too. */
void html_json_string(struct buf *out, struct str s);

/* JSON text in which `<`, `>` and `&` (which only strings hold) are escaped,
 * so that neither `</script` nor `<!--` occurs. */
void html_json_text(struct buf *out, struct json_text j);

static inline void html_raw_(struct buf *out, struct html h)
{
    buf_add(out, h.s);
}

static inline void html_url_(struct buf *out, struct url u)
{
    html_escape(out, u.s);
}

/* Types that no template may print. Each has a name that says what to do, for
 * the compiler prints it: "expected 'struct make_it_a_struct_str_...'". */
struct open_the_optional_value_with_some {
    char unused;
};
struct make_it_a_struct_str_with_str_from {
    char unused;
};
struct a_struct_url_is_needed_here_see_url_path {
    char unused;
};
struct struct_html_is_for_text_between_tags_only {
    char unused;
};
struct a_struct_url_must_be_the_whole_value {
    char unused;
};
struct json_text_is_for_json_script_blocks_only {
    char unused;
};
void html_refuse_optional_(struct buf *out, struct open_the_optional_value_with_some v);
void html_refuse_chars_(struct buf *out, struct make_it_a_struct_str_with_str_from v);
void html_refuse_non_url_(struct buf *out, struct a_struct_url_is_needed_here_see_url_path v);
void html_refuse_html_(struct buf *out, struct struct_html_is_for_text_between_tags_only v);
void html_refuse_url_(struct buf *out, struct a_struct_url_must_be_the_whole_value v);
void html_refuse_json_(struct buf *out, struct json_text_is_for_json_script_blocks_only v);

/* clang-format off */
#define HTML_EACH_INTEGER_(i, u)                                                                   \
    short: i, int: i, long: i, long long: i,                                                       \
    unsigned short: u, unsigned: u, unsigned long: u, unsigned long long: u
#define HTML_INTEGERS_ HTML_EACH_INTEGER_(buf_i64, buf_u64)

#define HTML_NEVER_                                                                                \
    struct optstr: html_refuse_optional_, struct optint: html_refuse_optional_,                    \
    struct optreal: html_refuse_optional_,                                                         \
    char *: html_refuse_chars_, const char *: html_refuse_chars_

#define HTML_PART_(out, x, str_function)                                                           \
    _Generic(x, struct str: str_function, HTML_INTEGERS_, HTML_NEVER_,                             \
             struct html: html_refuse_html_, struct url: html_refuse_url_,                         \
             struct json_text: html_refuse_json_)(out, x)

#define html_text(out, x)                                                                          \
    _Generic(x, struct str: html_escape, struct html: html_raw_, HTML_INTEGERS_, HTML_NEVER_,      \
             struct url: html_url_, struct json_text: html_refuse_json_)(out, x)
#define html_rcdata(out, x)                                                                        \
    _Generic(x, struct str: html_escape, HTML_INTEGERS_, HTML_NEVER_, struct url: html_url_,       \
             struct html: html_refuse_html_, struct json_text: html_refuse_json_)(out, x)
#define html_attr(out, x)      html_rcdata(out, x)
#define html_url_path(out, x)  HTML_PART_(out, x, url_encode_segment)
#define html_url_first(out, x) HTML_PART_(out, x, url_encode_first)
#define html_url_query(out, x) HTML_PART_(out, x, url_encode)
#define html_url(out, x)                                                                           \
    _Generic(x, struct url: html_url_, HTML_NEVER_, struct str: html_refuse_non_url_,              \
             struct html: html_refuse_html_, struct json_text: html_refuse_json_,                  \
             HTML_EACH_INTEGER_(html_refuse_non_url_, html_refuse_non_url_))(out, x)
#define html_json(out, x)                                                                          \
    _Generic(x, struct str: html_json_string, struct json_text: html_json_text, HTML_INTEGERS_,    \
             HTML_NEVER_, struct html: html_refuse_html_, struct url: html_refuse_url_)(out, x)

/* What `{% some %}` stands on: is there a value, and which. */
#define html_is_some(o)                                                                            \
    _Generic(o, struct optstr: optstr_is_some, struct optint: html_optint_is_some_)(o)
#define html_some(o) _Generic(o, struct optstr: html_optstr_, struct optint: html_optint_)(o)
/* clang-format on */

static inline bool html_optint_is_some_(struct optint o)
{
    return o.some;
}

static inline int64_t html_optint_(struct optint o)
{
    return o.v;
}

static inline struct str html_optstr_(struct optstr o)
{
    return (struct str){o.p, o.n};
}

#endif
