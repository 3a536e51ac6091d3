/*
 * See c_text.h.
 */
#include "c_text.h"

#include <stdlib.h>

enum { NEST_MAX = 4096 };

struct reader {
    struct str s;
    size_t at;
    struct c_text *out;
    char open[NEST_MAX];
    size_t depth;
    bool line_begins, joins; /* joins: only space since the last string */
};

static char peek(const struct reader *r, size_t ahead)
{
    return r->at + ahead < r->s.n ? r->s.p[r->at + ahead] : '\0';
}

static bool looking_at(const struct reader *r, const char *text)
{
    size_t n = strlen(text);
    return r->s.n - r->at >= n && memcmp(r->s.p + r->at, text, n) == 0;
}

static void wrong(struct reader *r, const char *what)
{
    if (!r->out->wrong) {
        r->out->wrong = what;
        r->out->at = r->at;
    }
    r->at = r->s.n;
}

static void read_comment(struct reader *r)
{
    for (r->at += 2; r->at < r->s.n; r->at++) {
        if (looking_at(r, "*/")) {
            r->at += 2;
            return;
        }
    }
    wrong(r, "a comment never ends");
}

/* Behind the backslash. */
static void read_escape(struct reader *r, struct buf *out)
{
    static const char from[] = "nrtabfv0\\\"'?", to[] = "\n\r\t\a\b\f\v\0\\\"'?";
    if (peek(r, 0) >= '0' && peek(r, 0) <= '7') {
        int value = 0;
        for (int i = 0; i < 3 && peek(r, 0) >= '0' && peek(r, 0) <= '7'; i++)
            value = value * 8 + (r->s.p[r->at++] - '0');
        buf_char(out, (char)value);
        return;
    }
    const char *found = peek(r, 0) ? strchr(from, peek(r, 0)) : NULL;
    if (found) {
        buf_char(out, to[found - from]);
        r->at++;
    } else {
        /* An author's own literal may have others. */
        buf_char(out, '\\');
    }
}

static void read_literal(struct reader *r, char quote)
{
    struct buf *out = &r->out->strings, none = BUF_INIT;
    if (quote == '\'')
        out = &none;
    else if (r->joins)
        out->n--; /* the NUL behind the one before */
    for (r->at++; r->at < r->s.n && r->s.p[r->at] != '\n'; r->at++) {
        if (r->s.p[r->at] == quote)
            break;
        if (r->s.p[r->at] == '\\') {
            r->at++;
            read_escape(r, out);
            r->at--;
        } else {
            buf_char(out, r->s.p[r->at]);
        }
    }
    if (peek(r, 0) != quote)
        wrong(r, "a literal is not closed on its line");
    else
        r->at++;
    if (quote == '"')
        buf_char(out, '\0');
    buf_free(&none);
}

/* A directive takes its line, in which a comment may not begin. */
static void read_directive(struct reader *r)
{
    static const char *const known[] = {"#ifndef ", "#define ", "#endif\n"};
    bool good = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        good = good || looking_at(r, known[i]);
    r->out->n_directives += good;
    if (looking_at(r, "#include ")) {
        r->out->n_includes++;
        good = true;
    }
    if (!good && !looking_at(r, "#line "))
        wrong(r, "an unknown directive");
    while (r->at < r->s.n && r->s.p[r->at] != '\n') {
        if (looking_at(r, "/*") || looking_at(r, "//") || looking_at(r, "\\\n"))
            wrong(r, "a directive that goes on");
        r->at++;
    }
}

/* The bracket that stands here, digraphs too, or 0. */
static char bracket(const struct reader *r, size_t *ret_bytes)
{
    static const struct {
        const char *text;
        char c;
    } digraphs[] = {{"<%", '{'}, {"%>", '}'}, {"<:", '['}, {":>", ']'}};
    *ret_bytes = 2;
    for (size_t i = 0; i < 4; i++)
        if (looking_at(r, digraphs[i].text))
            return digraphs[i].c;
    *ret_bytes = 1;
    return strchr("{}[]()", peek(r, 0)) ? peek(r, 0) : '\0';
}

static void read_bracket(struct reader *r, char c)
{
    static const char opens[] = "([{", closes[] = ")]}";
    const char *close = strchr(closes, c);
    if (!close) {
        if (r->depth == NEST_MAX)
            wrong(r, "too deep");
        else
            r->open[r->depth++] = c;
        return;
    }
    if (r->depth == 0 || r->open[r->depth - 1] != opens[close - closes])
        wrong(r, "a bracket that does not pair");
    else
        r->depth--;
}

static void read_one(struct reader *r)
{
    size_t bytes;
    char c = peek(r, 0), b;
    bool line_begins = r->line_begins, joins = r->joins;
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
        r->line_begins = line_begins || c == '\n';
        r->at++;
        return;
    }
    r->line_begins = r->joins = false;
    if (c == '\0' || looking_at(r, "\\\n") || looking_at(r, "%:")) {
        wrong(r, "what no generator writes");
    } else if (line_begins && c == '#') {
        read_directive(r);
    } else if (looking_at(r, "/*")) {
        read_comment(r);
        r->line_begins = line_begins;
        r->joins = joins;
    } else if (looking_at(r, "//")) {
        wrong(r, "a comment to the line's end");
    } else if (c == '"' || c == '\'') {
        r->joins = joins;
        read_literal(r, c);
        r->joins = c == '"';
    } else if ((b = bracket(r, &bytes)) != '\0') {
        read_bracket(r, b);
        r->at += bytes;
    } else {
        r->out->n_functions += line_begins && r->depth == 0 && looking_at(r, "void ");
        r->at++;
    }
}

void c_text_read(struct str text, struct c_text *ret)
{
    static struct reader r;
    *ret = (struct c_text){.strings = BUF_INIT};
    r = (struct reader){.s = text, .out = ret, .line_begins = true};
    while (r.at < r.s.n)
        read_one(&r);
    if (r.depth > 0)
        wrong(&r, "a bracket stays open");
}

void c_text_free(struct c_text *c)
{
    buf_free(&c->strings);
}

bool c_text_has(const struct c_text *c, struct str literal)
{
    struct str rest = buf_str(&c->strings);
    while (rest.n) {
        size_t n = (size_t)((const char *)memchr(rest.p, '\0', rest.n) - rest.p);
        if (n == literal.n && (n == 0 || memcmp(rest.p, literal.p, n) == 0))
            return true;
        rest = str_make(rest.p + n + 1, rest.n - n - 1);
    }
    return false;
}
