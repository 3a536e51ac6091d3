/*
 * SQL text to tokens, by SQLite's rules (its tokenizer, "tokenize.c", is the
 * reference for what an identifier, string, number or parameter is).
 *
 * The generator needs less than a grammar: where a statement ends, what its
 * parameters are, which keywords stand outside of parentheses. SQLite itself
 * checks the syntax afterwards.
 */
#include <ctype.h>

#include "gen/sqlgen/sqlgen.h"

static char byte_at(struct str s, size_t i)
{
    return i < s.n ? s.p[i] : '\0';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_word_start(char c)
{
    return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word(char c)
{
    return is_word_start(c) || isdigit((unsigned char)c) || c == '$';
}

static size_t skip_word(struct str s, size_t i)
{
    while (is_word(byte_at(s, i)))
        i++;
    return i;
}

/* Behind the closing quote, a doubled quote being part of the text; 0 where
 * it never closes. */
static size_t skip_quoted(struct str s, size_t i, char close)
{
    for (i++; i < s.n; i++) {
        if (s.p[i] != close)
            continue;
        if (close == ']' || byte_at(s, i + 1) != close)
            return i + 1;
        i++;
    }
    return 0;
}

static size_t skip_number(struct str s, size_t i)
{
    bool hex = s.p[i] == '0' && tolower(byte_at(s, i + 1)) == 'x';
    for (; is_word(byte_at(s, i)) || byte_at(s, i) == '.'; i++) {
        char sign = byte_at(s, i + 1);
        if (!hex && tolower(s.p[i]) == 'e' && (sign == '+' || sign == '-'))
            i++;
    }
    return i;
}

static size_t skip_comment(struct str s, size_t i)
{
    if (s.p[i] == '-') {
        while (i < s.n && s.p[i] != '\n')
            i++;
        return i;
    }
    for (i += 2; i + 1 < s.n; i++)
        if (s.p[i] == '*' && s.p[i + 1] == '/')
            return i + 2;
    return 0;
}

/* Kind and end of the token that begins at i; an end of 0: it never ends. */
static enum token_kind scan(struct str s, size_t i, size_t *ret_end)
{
    char c = s.p[i], after = byte_at(s, i + 1);
    if ((c == '-' && after == '-') || (c == '/' && after == '*'))
        return *ret_end = skip_comment(s, i), TOKEN_COMMENT;
    if (c == '\'')
        return *ret_end = skip_quoted(s, i, c), TOKEN_STRING;
    if (tolower(c) == 'x' && after == '\'')
        return *ret_end = skip_quoted(s, i + 1, after), TOKEN_STRING;
    if (c == '"' || c == '`')
        return *ret_end = skip_quoted(s, i, c), TOKEN_QUOTED;
    if (c == '[')
        return *ret_end = skip_quoted(s, i, ']'), TOKEN_QUOTED;
    if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)after)))
        return *ret_end = skip_number(s, i), TOKEN_NUMBER;
    if (is_word_start(c))
        return *ret_end = skip_word(s, i), TOKEN_WORD;
    if (c == '?' || (strchr(":@$#", c) && is_word(after)))
        return *ret_end = skip_word(s, i + 1), TOKEN_PARAM;
    return *ret_end = i + 1, c == ';' ? TOKEN_SEMI : TOKEN_PUNCT;
}

struct token lex_next(struct str text, size_t at, size_t *ret_end)
{
    while (at < text.n && is_space(text.p[at]))
        at++;
    struct token t = {.kind = TOKEN_END, .at = at, .text = str_sub(text, at, 0)};
    size_t end = at;
    if (at < text.n) {
        t.kind = scan(text, at, &end);
        if (end == 0) {
            t.kind = TOKEN_BAD;
            end = text.n;
        }
        t.text = str_sub(text, at, end - at);
    }
    *ret_end = end;
    return t;
}

struct token *lex_all(struct gen *g, struct str text, size_t from, size_t to, size_t *ret_n)
{
    text = str_sub(text, 0, to);
    size_t n = 1, end;
    for (size_t at = from; lex_next(text, at, &end).kind != TOKEN_END; at = end)
        n++;
    struct token *tokens = gen_alloc(g, n * sizeof *tokens);
    size_t count = 0;
    int depth = 0;
    for (size_t at = from;; at = end) {
        struct token t = lex_next(text, at, &end);
        if (t.kind == TOKEN_COMMENT)
            continue;
        if (token_is_punct(&t, ')'))
            depth--;
        t.depth = depth;
        if (token_is_punct(&t, '('))
            depth++;
        tokens[count] = t;
        if (t.kind == TOKEN_END)
            break;
        count++;
    }
    *ret_n = count;
    return tokens;
}

bool token_is(const struct token *t, const char *keyword)
{
    return t->kind == TOKEN_WORD && str_eq_nocase(t->text, str_from(keyword));
}

bool token_is_punct(const struct token *t, char c)
{
    return t->kind == TOKEN_PUNCT && t->text.p[0] == c;
}

struct str token_name(struct gen *g, const struct token *t)
{
    bool quoted = t->kind == TOKEN_QUOTED || t->kind == TOKEN_STRING;
    if (!quoted || t->text.n < 2)
        return t->text;
    char close = t->text.p[t->text.n - 1];
    struct str inner = str_sub(t->text, 1, t->text.n - 2);
    char *p = gen_alloc(g, inner.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < inner.n; i++) {
        p[n++] = inner.p[i];
        if (inner.p[i] == close && close != ']')
            i++;
    }
    return (struct str){p, n};
}

/* Keywords of C17 and gcc, and macros that the generated file's includes
 * define as plain lower-case words. */
static const char *const reserved[] = {
    "asm",     "auto",     "bool",     "break",   "case",   "char",   "const",  "continue",
    "default", "do",       "double",   "else",    "enum",   "errno",  "extern", "false",
    "float",   "for",      "goto",     "i386",    "if",     "inline", "int",    "linux",
    "long",    "register", "restrict", "return",  "short",  "signed", "sizeof", "static",
    "struct",  "switch",   "true",     "typedef", "typeof", "union",  "unix",   "unsigned",
    "void",    "volatile", "while",    "NULL",    "OK",     "EOF",
};

bool name_usable(struct str name)
{
    if (name.n == 0 || name.n > 63 || !isalpha((unsigned char)name.p[0]))
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!isalnum((unsigned char)name.p[i]) && name.p[i] != '_')
            return false;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (str_eq(name, str_from(reserved[i])))
            return false;
    return true;
}

const char *type_word(enum sql_type type)
{
    static const char *const words[] = {"", "text", "int", "real", "blob"};
    return words[type];
}
