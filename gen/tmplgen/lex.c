/*
 * Cuts a template file into tokens, and keeps positions and errors.
 *
 * A tag ends at its closing brace outside of string and character literals, so
 * `{{ STR("}}") }}` is one token. A literal never spans lines; where a quote
 * is not closed on its line, it is taken for a plain byte here and reported by
 * expr.c. The lexer knows nothing of HTML.
 */
#include <stdarg.h>
#include <stdio.h>

#include "gen/tmplgen/tmplgen.h"

struct line_col pos_line_col(struct pos p)
{
    struct line_col lc = {1, 1};

    for (size_t i = 0; i < p.off && i < p.src->text.n; i++) {
        lc.col++;
        if (p.src->text.p[i] == '\n') {
            lc.line++;
            lc.col = 1;
        }
    }
    return lc;
}

static bool diag_seen(const struct diag *d, struct str line)
{
    for (unsigned i = 0; i < d->n; i++)
        if (str_eq(d->seen[i], line))
            return true;
    return false;
}

void diag_error(struct diag *d, struct pos p, const char *fmt, ...)
{
    CLEANUP(freep) char *text = NULL;
    struct line_col lc = pos_line_col(p);
    struct str line;
    va_list ap;

    if (d->n == DIAG_MAX)
        return;
    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        text = NULL;
    va_end(ap);
    line = arena_printf(d->arena, "%s:%u:%u: error: %s", p.src->path, lc.line, lc.col,
                        text ? text : fmt);
    if (diag_seen(d, line))
        return;
    d->seen[d->n++] = line;
    fprintf(stderr, "%.*s\n", STR_ARG(line));
}

bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct str lex_trim(struct str s)
{
    while (s.n > 0 && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct str lex_name(struct str *s)
{
    struct str all = lex_trim(*s);
    size_t n = 0;

    if (all.n == 0 || !is_name_char(all.p[0]) || (all.p[0] >= '0' && all.p[0] <= '9'))
        return STR("");
    while (n < all.n && is_name_char(all.p[n]))
        n++;
    *s = lex_trim(str_sub(all, n, all.n - n));
    return str_sub(all, 0, n);
}

/* The offset of the two bytes `close` at or behind `at`, or the end. */
static size_t find_close(struct str s, size_t at, const char *close, bool literals)
{
    while (at + 1 < s.n) {
        size_t behind = 0;
        if (s.p[at] == close[0] && s.p[at + 1] == close[1])
            return at;
        if (literals && (s.p[at] == '"' || s.p[at] == '\''))
            behind = expr_skip_literal(s, at);
        at = behind ? behind : at + 1;
    }
    return s.n;
}

static bool opens(struct str s, size_t at)
{
    return at + 1 < s.n && s.p[at] == '{' &&
           (s.p[at + 1] == '{' || s.p[at + 1] == '%' || s.p[at + 1] == '#');
}

static struct token lex_text(struct lexer *lx)
{
    struct str all = lx->src->text;
    size_t from = lx->at;

    while (lx->at < all.n && !opens(all, lx->at))
        lx->at++;
    return (struct token){.kind = TOK_TEXT,
                          .pos = {lx->src, from},
                          .content = {lx->src, from},
                          .text = str_sub(all, from, lx->at - from)};
}

/* The tag that opens at lx->at; comments come back as TOK_TEXT of no bytes. */
static struct token lex_braces(struct lexer *lx)
{
    struct str all = lx->src->text;
    char kind = all.p[lx->at + 1];
    const char *close = kind == '{' ? "}}" : kind == '%' ? "%}" : "#}";
    size_t from = lx->at + 2;
    size_t end = find_close(all, from, close, kind != '#');
    struct token t = {.kind = TOK_TEXT, .pos = {lx->src, lx->at}, .text = {all.p + from, 0}};

    if (end == all.n) {
        diag_error(lx->diag, t.pos, "'{%c' is not closed by '%s'", kind, close);
        lx->failed = true;
        t.kind = TOK_END;
        return t;
    }
    lx->at = end + 2;
    t.content = (struct pos){lx->src, from};
    if (kind == '#')
        return t;
    t.kind = kind == '{' ? TOK_EXPR : TOK_TAG;
    t.text = lex_trim(str_sub(all, from, end - from));
    if (t.text.n)
        t.content.off = (size_t)(t.text.p - all.p);
    return t;
}

struct token lex_next(struct lexer *lx)
{
    if (lx->failed || lx->at == lx->src->text.n)
        return (struct token){.kind = TOK_END, .pos = {lx->src, lx->src->text.n}};
    return opens(lx->src->text, lx->at) ? lex_braces(lx) : lex_text(lx);
}
