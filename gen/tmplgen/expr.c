/*
 * Checks that what stands in a tag is one C expression and nothing more.
 *
 * The compiler checks types and names; this check sees to it that the text
 * cannot leave its place: brackets and literals are balanced, and there is no
 * statement, assignment, comment, preprocessor character or brace in it. The
 * words that could make a `struct html` out of a string in place (`struct`,
 * `union`, `typeof`, and assembler) are refused too: raw markup comes from
 * functions.
 */
#include "gen/tmplgen/tmplgen.h"

struct check {
    struct diag *diag;
    struct expr e;
    size_t at;
    size_t open[NEST_MAX]; /* offsets of the brackets that wait for their end */
    unsigned depth;
    unsigned commas; /* outside of brackets */
};

size_t expr_skip_literal(struct str s, size_t at)
{
    char quote = s.p[at];

    for (size_t i = at + 1; i < s.n && s.p[i] != '\n'; i++) {
        if (s.p[i] == quote)
            return i + 1;
        if (s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] != '\n')
            i++;
    }
    return 0;
}

size_t expr_find(struct str s, char c)
{
    unsigned depth = 0, questions = 0;

    for (size_t i = 0; i < s.n; i++) {
        char x = s.p[i];
        if (x == '"' || x == '\'') {
            size_t behind = expr_skip_literal(s, i);
            i = behind ? behind - 1 : i;
        } else if (x == '(' || x == '[') {
            depth++;
        } else if (x == ')' || x == ']') {
            depth -= depth > 0;
        } else if (depth == 0 && x == c && !(c == ':' && questions > 0)) {
            return i;
        } else if (depth == 0 && x == '?') {
            questions++;
        } else if (depth == 0 && x == ':') {
            questions--;
        }
    }
    return s.n;
}

static bool refuse(struct check *c, size_t at, const char *what)
{
    struct pos p = {c->e.pos.src, c->e.pos.off + at};

    diag_error(c->diag, p, "%s", what);
    return false;
}

static bool refuse_token(struct check *c, size_t n)
{
    struct pos p = {c->e.pos.src, c->e.pos.off + c->at};

    diag_error(c->diag, p, "'%.*s' is not allowed in an expression", (int)n, c->e.text.p + c->at);
    return false;
}

static char peek(const struct check *c, size_t ahead)
{
    return c->at + ahead < c->e.text.n ? c->e.text.p[c->at + ahead] : '\0';
}

static bool check_word(struct check *c)
{
    static const char *const REFUSED[] = {
        "struct",  "union",           "enum", "typeof", "__typeof__", "asm",    "__asm__",
        "__asm",   "return",          "goto", "static", "__typeof",   "extern", "_Static_assert",
        "_Pragma", "__builtin_va_arg"};
    size_t n = 0;
    struct str word;

    while (is_name_char(peek(c, n)))
        n++;
    word = str_sub(c->e.text, c->at, n);
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++)
        if (str_eq(word, str_from(REFUSED[i])))
            return refuse_token(c, n);
    c->at += n;
    return true;
}

static bool check_bracket(struct check *c, char x)
{
    char want;

    if (x == '(' || x == '[') {
        if (c->depth == NEST_MAX)
            return refuse(c, c->at, "brackets are nested too deep");
        c->open[c->depth++] = c->at;
        c->at++;
        return true;
    }
    want = x == ')' ? '(' : '[';
    if (c->depth == 0 || c->e.text.p[c->open[c->depth - 1]] != want)
        return refuse(c, c->at, x == ')' ? "')' closes no '('" : "']' closes no '['");
    c->depth--;
    c->at++;
    return true;
}

/* `=` that assigns: not ==, !=, <=, >=. */
static bool check_equals(struct check *c)
{
    char before = c->at ? c->e.text.p[c->at - 1] : '\0';
    char before2 = c->at > 1 ? c->e.text.p[c->at - 2] : '\0';

    if (peek(c, 1) == '=') {
        c->at += 2;
        return true;
    }
    if (before == '!' || ((before == '<' || before == '>') && before2 != before)) {
        c->at++;
        return true;
    }
    return refuse(c, c->at, "an assignment is not allowed in an expression");
}

static bool two(const struct check *c, const char *pair)
{
    return peek(c, 0) == pair[0] && peek(c, 1) == pair[1];
}

static bool check_operator(struct check *c)
{
    static const char *const PAIRS[] = {"++", "--", "//", "/*", "<%", "%>", "<:", ":>", "%:"};
    char x = peek(c, 0);

    for (size_t i = 0; i < sizeof PAIRS / sizeof *PAIRS; i++)
        if (two(c, PAIRS[i]))
            return refuse_token(c, 2);
    if (x == '=')
        return check_equals(c);
    if (x == ',' && c->depth == 0)
        c->commas++;
    else if (strchr("+-*/%&|^~!<>?:.,", x) == NULL || x == '\0')
        return refuse_token(c, 1);
    c->at++;
    return true;
}

static bool check_step(struct check *c)
{
    char x = peek(c, 0);

    if (x == ' ' || x == '\t' || x == '\n' || x == '\r') {
        c->at++;
        return true;
    }
    if (x == '"' || x == '\'') {
        size_t behind = expr_skip_literal(c->e.text, c->at);
        if (!behind)
            return refuse(c, c->at, "this literal is not closed on its line");
        c->at = behind;
        return true;
    }
    if (is_name_char(x))
        return check_word(c);
    if (x == '(' || x == ')' || x == '[' || x == ']')
        return check_bracket(c, x);
    if ((unsigned char)x >= 0x80)
        return refuse(c, c->at, "only ASCII is allowed outside of literals");
    return check_operator(c);
}

bool expr_check(struct diag *d, struct expr e, unsigned *ret_n)
{
    struct check c = {.diag = d, .e = e};

    if (e.text.n == 0 && !ret_n)
        return refuse(&c, 0, "an expression is expected here");
    while (c.at < e.text.n)
        if (!check_step(&c))
            return false;
    if (c.depth > 0)
        return refuse(&c, c.open[c.depth - 1],
                      e.text.p[c.open[c.depth - 1]] == '(' ? "'(' is not closed"
                                                           : "'[' is not closed");
    if (c.commas > 0 && !ret_n)
        return refuse(&c, expr_find(e.text, ','), "one expression is expected, not several");
    if (ret_n)
        *ret_n = e.text.n ? c.commas + 1 : 0;
    return true;
}
