/*
 * Query files to `struct query`.
 *
 *     -- Any words: the doc comment (it may also stand below the name).
 *     -- name: item_page :many
 *     -- param: before text?
 *     -- param: limit int
 *     SELECT id, name FROM items WHERE id < :before ORDER BY id DESC LIMIT :limit;
 *
 * Outside of statements the file is read by lines; a line that is no comment
 * begins the statement, which the lexer reads to its `;`. After a mistake the
 * parser goes on with the next line or statement, so that one run shows all.
 */
#include <ctype.h>
#include <stdlib.h>

#include "gen/sqlgen/sqlgen.h"

struct parser {
    struct gen *g;
    const struct source *source;
    size_t at;         /* what is read next */
    struct query *cur; /* named, and still without its statement */
    struct str doc;    /* of comment lines that no blank line ended */
};

static size_t offset_of(const struct parser *p, struct str part)
{
    return (size_t)(part.p - p->source->text.p);
}

/* The next word of *rest, which must point into the source. */
static struct str next_word(struct str *rest)
{
    size_t i = 0;
    while (i < rest->n && (isspace((unsigned char)rest->p[i])))
        i++;
    size_t from = i;
    while (i < rest->n && !isspace((unsigned char)rest->p[i]))
        i++;
    struct str word = str_sub(*rest, from, i - from);
    *rest = str_sub(*rest, i, rest->n);
    return word;
}

static void refuse(struct parser *p, struct str where, const char *what)
{
    report_at(p->g, p->source, offset_of(p, where), "%s", what);
    if (p->cur)
        p->cur->bad = true;
}

static bool parse_kind(struct str word, enum query_kind *ret)
{
    static const char *const words[] = {":one", ":many", ":exec"};
    for (int i = 0; i < 3; i++) {
        if (!str_eq(word, str_from(words[i])))
            continue;
        *ret = (enum query_kind)i;
        return true;
    }
    return false;
}

static void end_without_statement(struct parser *p)
{
    if (p->cur && !p->cur->bad)
        report_at(p->g, p->source, p->cur->name_at, "query '%.*s' has no statement",
                  STR_ARG(p->cur->name));
    p->cur = NULL;
}

static void add_doc(struct parser *p, struct str *doc, struct str line)
{
    *doc = doc->n ? arena_printf(&p->g->arena, "%.*s\n%.*s", STR_ARG(*doc), STR_ARG(line))
                  : gen_copy(p->g, line);
    if (!doc->p)
        abort();
}

static void parse_name(struct parser *p, struct str rest)
{
    end_without_statement(p);
    struct query *q = gen_alloc(p->g, sizeof *q);
    q->source = p->source;
    q->name = next_word(&rest);
    q->name_at = offset_of(p, q->name);
    q->doc = p->doc;
    p->doc = (struct str){NULL, 0};
    p->cur = q;
    *p->g->queries_end = q;
    p->g->queries_end = &q->next;

    struct str kind = next_word(&rest);
    if (!name_usable(q->name)) {
        report_at(p->g, p->source, q->name_at,
                  "'%.*s' cannot name a query: it must be a C identifier, not a keyword, and "
                  "begin with a letter",
                  STR_ARG(q->name));
        q->bad = true;
    } else if (!parse_kind(kind, &q->kind)) {
        report_at(p->g, p->source, offset_of(p, kind), "'%.*s' is no kind: :one, :many or :exec",
                  STR_ARG(kind));
        q->bad = true;
    } else if (next_word(&rest).n) {
        refuse(p, kind, "nothing may follow the kind");
    }
}

static bool parse_type(struct str word, enum sql_type *ret_type, enum null_mark *ret_mark)
{
    enum null_mark mark = NULL_UNSAID;
    if (str_ends(word, STR("?")))
        mark = NULL_MAYBE;
    else if (str_ends(word, STR("!")))
        mark = NULL_NEVER;
    if (mark != NULL_UNSAID)
        word.n--;
    for (enum sql_type type = TYPE_TEXT; type <= TYPE_BLOB; type++) {
        if (!str_eq(word, str_from(type_word(type))))
            continue;
        *ret_type = type;
        *ret_mark = mark;
        return true;
    }
    return false;
}

/* `NAME TYPE` of a param or col line, appended to the list. */
static void parse_note(struct parser *p, struct str rest, const char *what, struct note *list,
                       unsigned *n, unsigned max)
{
    struct note note = {.name = next_word(&rest)};
    struct str type = next_word(&rest);
    note.at = offset_of(p, note.name);
    const char *wrong = NULL;
    if (!name_usable(note.name))
        wrong = "is no name: it must be a C identifier, not a keyword, and begin with a letter";
    else if (*n == max)
        wrong = "is one too many";
    for (unsigned i = 0; i < *n; i++)
        if (str_eq(list[i].name, note.name))
            wrong = "is declared twice";
    if (wrong) {
        report_at(p->g, p->source, note.at, "%s '%.*s' %s", what, STR_ARG(note.name), wrong);
        p->cur->bad = true;
    } else if (type.n == 0) {
        report_at(p->g, p->source, note.at, "%s '%.*s' has no type: text, int, real or blob", what,
                  STR_ARG(note.name));
        p->cur->bad = true;
    } else if (!parse_type(type, &note.type, &note.mark)) {
        report_at(p->g, p->source, offset_of(p, type),
                  "'%.*s' is no type: text, int, real or blob, with ? where NULL is allowed",
                  STR_ARG(type));
        p->cur->bad = true;
    } else if (next_word(&rest).n) {
        refuse(p, type, "nothing may follow the type");
    } else {
        list[(*n)++] = note;
    }
}

static void parse_scan_ok(struct parser *p, struct str key, struct str rest)
{
    rest = str_trim(rest);
    if (rest.n == 0)
        refuse(p, key, "scan-ok needs a reason: `-- scan-ok: why reading the whole table is fine`");
    else if (p->cur->scan_ok.n)
        refuse(p, key, "scan-ok is said twice");
    else
        p->cur->scan_ok = rest;
}

/* A lower-case word before a colon, which is what annotations look like. */
static struct str annotation_key(struct str comment)
{
    struct str rest = comment;
    struct str word = next_word(&rest);
    size_t n = 0;
    while (n < word.n && (islower((unsigned char)word.p[n]) || word.p[n] == '-'))
        n++;
    bool is = n > 0 && n < word.n && word.p[n] == ':';
    return is ? str_sub(word, 0, n) : str_sub(word, 0, 0);
}

static bool known_key(struct str key)
{
    return str_eq(key, STR("name")) || str_eq(key, STR("param")) || str_eq(key, STR("col")) ||
           str_eq(key, STR("scan-ok"));
}

static void parse_annotation(struct parser *p, struct str key, struct str rest)
{
    struct query *q = p->cur;
    if (str_eq(key, STR("name")))
        parse_name(p, rest);
    else if (!q)
        refuse(p, key, "this belongs below a `-- name:` line");
    else if (str_eq(key, STR("param")))
        parse_note(p, rest, "parameter", q->params, &q->n_params, QUERY_PARAMS_MAX);
    else if (str_eq(key, STR("col")))
        parse_note(p, rest, "column", q->notes, &q->n_notes, QUERY_COLUMNS_MAX);
    else
        parse_scan_ok(p, key, rest);
}

/* A `--` line; `comment` is what follows the dashes. */
static void parse_comment(struct parser *p, struct str comment)
{
    struct str key = annotation_key(comment);
    if (known_key(key)) {
        size_t skip = (size_t)(key.p - comment.p) + key.n + 1;
        parse_annotation(p, key, str_sub(comment, skip, comment.n));
    } else if (key.n && p->cur) {
        report_at(p->g, p->source, offset_of(p, key),
                  "unknown annotation '%.*s': name, param, col or scan-ok", STR_ARG(key));
        p->cur->bad = true;
    } else {
        add_doc(p, p->cur ? &p->cur->doc : &p->doc, str_trim(comment));
    }
}

/* Refuses annotations inside of a statement: they would have no effect. True
 * where it is a name, which shows that the statement before was not ended. */
static bool comment_in_statement(struct parser *p, const struct token *t)
{
    struct str comment = str_sub(t->text, 2, t->text.n);
    struct str key = annotation_key(comment);
    if (str_eq(key, STR("name"))) {
        refuse(p, t->text, "the statement before this is not ended by ';'");
        return true;
    }
    if (known_key(key))
        refuse(p, key, "annotations stand above the statement");
    return false;
}

/* Reads to the `;`. False where the statement has none. */
static bool find_statement_end(struct parser *p, size_t *ret_end)
{
    size_t end;
    for (size_t at = p->at;; at = end) {
        struct token t = lex_next(p->source->text, at, &end);
        if (t.kind == TOKEN_BAD) {
            refuse(p, t.text, "this string, name or comment never ends");
            p->at = end;
            return false;
        }
        if (t.kind == TOKEN_COMMENT && comment_in_statement(p, &t)) {
            p->at = t.at;
            return false;
        }
        if (t.kind == TOKEN_END) {
            refuse(p, str_sub(p->source->text, p->at, 0), "this statement is not ended by ';'");
            p->at = end;
            return false;
        }
        if (t.kind == TOKEN_SEMI) {
            *ret_end = t.at;
            p->at = end;
            return true;
        }
    }
}

static void parse_statement(struct parser *p)
{
    struct query *q = p->cur;
    size_t from = p->at, end;
    if (!q)
        refuse(p, str_sub(p->source->text, from, 0),
               "a statement without a `-- name:` line of its own");
    if (find_statement_end(p, &end) && q) {
        q->sql = str_sub(p->source->text, from, end - from);
        q->sql_at = from;
        q->tokens = lex_all(p->g, p->source->text, from, end, &q->n_tokens);
    }
    p->cur = NULL;
    p->doc = (struct str){NULL, 0};
}

/* A comment of the other kind, between statements. */
static void skip_comment(struct parser *p)
{
    struct token t = lex_next(p->source->text, p->at, &p->at);
    if (t.kind == TOKEN_BAD)
        refuse(p, t.text, "this comment never ends");
}

void parse_queries(struct gen *g, const struct source *s)
{
    struct parser p = {.g = g, .source = s};
    while (p.at < s->text.n) {
        struct str rest = str_sub(s->text, p.at, s->text.n);
        struct str line = str_sub(rest, 0, str_index(rest, '\n'));
        size_t indent = 0;
        while (indent < line.n && isspace((unsigned char)line.p[indent]))
            indent++;
        line = str_sub(line, indent, line.n);
        if (line.n == 0) {
            p.doc = (struct str){NULL, 0};
            p.at += indent + 1;
        } else if (str_starts(line, STR("--"))) {
            p.at += indent + line.n + 1;
            parse_comment(&p, str_sub(line, 2, line.n));
        } else if (str_starts(line, STR("/*"))) {
            skip_comment(&p);
        } else {
            p.at += indent;
            parse_statement(&p);
        }
    }
    end_without_statement(&p);
}
