/*
 * A query against the migrated database: what is refused, and what its result
 * columns are.
 *
 * SQLite checks syntax and names; the rest of the rules, which make a query
 * safe to call from typed C, are checked on the tokens and on the query plan.
 */
#include <stdlib.h>

#include "gen/sqlgen/sqlgen.h"

static void refuse(struct gen *g, struct query *q, size_t at, const char *what)
{
    report_at(g, q->source, at, "%s", what);
    q->bad = true;
}

static void check_first_word(struct gen *g, struct query *q)
{
    static const char *const words[] = {"SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "REPLACE"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (token_is(q->tokens, words[i]))
            return;
    refuse(g, q, q->tokens->at,
           "a query begins with SELECT, WITH, INSERT, UPDATE, DELETE or REPLACE");
}

/* A `*` that stands for columns follows a word or sign that no multiplication
 * can follow; COUNT(*) follows its parenthesis. */
static bool is_all_columns(const struct token *t)
{
    return token_is_punct(t, '*') && (token_is(t - 1, "SELECT") || token_is(t - 1, "DISTINCT") ||
                                      token_is(t - 1, "ALL") || token_is(t - 1, "RETURNING") ||
                                      token_is_punct(t - 1, ',') || token_is_punct(t - 1, '.'));
}

static void check_stars(struct gen *g, struct query *q)
{
    for (size_t i = 1; i < q->n_tokens; i++)
        if (is_all_columns(&q->tokens[i]))
            refuse(g, q, q->tokens[i].at,
                   "`*` is refused: name the columns, so that a migration cannot change the row");
}

static struct note *find_note(struct note *list, unsigned n, struct str name)
{
    for (unsigned i = 0; i < n; i++)
        if (str_eq(list[i].name, name))
            return &list[i];
    return NULL;
}

static void check_params(struct gen *g, struct query *q)
{
    for (size_t i = 0; i < q->n_tokens; i++) {
        const struct token *t = &q->tokens[i];
        if (t->kind != TOKEN_PARAM)
            continue;
        struct str name = str_sub(t->text, 1, t->text.n);
        if (t->text.p[0] != ':') {
            refuse(g, q, t->at, "parameters are named, as in `:name`");
            continue;
        }
        struct note *param = find_note(q->params, q->n_params, name);
        if (param) {
            param->used = true;
            continue;
        }
        report_at(g, q->source, t->at,
                  "parameter ':%.*s' is not declared: add `-- param: %.*s TYPE`", STR_ARG(name),
                  STR_ARG(name));
        q->bad = true;
    }
    for (unsigned i = 0; i < q->n_params; i++) {
        if (q->params[i].used)
            continue;
        report_at(g, q->source, q->params[i].at, "parameter '%.*s' is not used",
                  STR_ARG(q->params[i].name));
        q->bad = true;
    }
}

static bool has_returning(const struct query *q)
{
    for (size_t i = 0; i < q->n_tokens; i++)
        if (q->tokens[i].depth == 0 && token_is(&q->tokens[i], "RETURNING"))
            return true;
    return false;
}

/* A LIMIT of the statement as a whole. Where it writes, SQLite allows one only
 * in the sub-query that picks the rows. */
static void check_limit(struct gen *g, struct query *q)
{
    bool writes = has_returning(q);
    for (size_t i = 0; i < q->n_tokens; i++) {
        const struct token *t = &q->tokens[i];
        if (!token_is(t, "LIMIT") || (t->depth != 0 && !writes))
            continue;
        if (token_is_punct(t + 1, '-'))
            refuse(g, q, t[1].at, "a negative LIMIT is none");
        return;
    }
    refuse(g, q, q->tokens->at, "a :many query needs a LIMIT");
}

static bool prepare(struct gen *g, struct query *q, sqlite3_stmt **ret)
{
    if (sqlite3_prepare_v2(g->db, q->sql.p, (int)q->sql.n, ret, NULL) == SQLITE_OK)
        return true;
    report_sqlite(g, q->source, q->sql, q->sql_at);
    q->bad = true;
    return false;
}

static void number_params(struct gen *g, struct query *q, sqlite3_stmt *st)
{
    for (unsigned i = 0; i < q->n_params; i++) {
        struct str name = arena_printf(&g->arena, ":%.*s", STR_ARG(q->params[i].name));
        q->params[i].index = name.p ? sqlite3_bind_parameter_index(st, name.p) : 0;
        if (q->params[i].index == 0)
            refuse(g, q, q->params[i].at, "SQLite does not see this parameter");
    }
}

static void check_kind(struct gen *g, struct query *q, sqlite3_stmt *st)
{
    bool rows = sqlite3_column_count(st) > 0;
    if (q->kind == QUERY_EXEC && rows)
        refuse(g, q, q->tokens->at, "an :exec query returns no rows, but this one does");
    if (q->kind != QUERY_EXEC && !rows)
        refuse(g, q, q->tokens->at, "this returns no rows: it must be :exec");
    if (q->kind == QUERY_MANY && rows)
        check_limit(g, q);
}

/* The table of a plan's `SCAN table ...` in the statement, else its start. */
static size_t scanned_at(struct gen *g, const struct query *q, struct str detail)
{
    struct str name = str_sub(detail, sizeof "SCAN " - 1, detail.n);
    name = str_sub(name, 0, str_index(name, ' '));
    for (size_t i = 1; i < q->n_tokens; i++) {
        const struct token *t = &q->tokens[i];
        bool table = token_is(t - 1, "FROM") || token_is(t - 1, "JOIN") ||
                     token_is(t - 1, "UPDATE") || token_is(t - 1, "AS");
        if (table && str_eq_nocase(token_name(g, t), name))
            return t->at;
    }
    return q->sql_at;
}

/* Refuses plans that read a whole table. A constant row is no table. */
static void check_plan(struct gen *g, struct query *q)
{
    struct str explain = arena_printf(&g->arena, "EXPLAIN QUERY PLAN %.*s", STR_ARG(q->sql));
    sqlite3_stmt *st;
    if (q->scan_ok.n)
        return;
    if (!explain.p || sqlite3_prepare_v2(g->db, explain.p, (int)explain.n, &st, NULL)) {
        refuse(g, q, q->sql_at, "SQLite does not explain this query");
        return;
    }
    while (sqlite3_step(st) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(st, 3);
        if (!detail || strncmp(detail, "SCAN ", 5) != 0 || strstr(detail, "CONSTANT ROW"))
            continue;
        report_at(g, q->source, scanned_at(g, q, str_from(detail)),
                  "reads all rows (%s): give it an index to search, or say `-- scan-ok: reason`",
                  detail);
        q->bad = true;
    }
    sqlite3_finalize(st);
}

/* The type that goes with the author's `-- col:` line and the table. */
static void check_column_type(struct gen *g, struct query *q, struct column *c,
                              enum sql_type origin)
{
    struct note *note = find_note(q->notes, q->n_notes, c->name);
    if (note) {
        note->used = true;
        c->type = note->type;
        if (note->mark != NULL_UNSAID)
            c->nullable = note->mark == NULL_MAYBE;
        if (origin != TYPE_UNKNOWN && origin != note->type) {
            report_at(g, q->source, note->at, "column '%.*s' is %s in its table, not %s",
                      STR_ARG(c->name), type_word(origin), type_word(note->type));
            q->bad = true;
        }
    } else if (origin != TYPE_UNKNOWN) {
        c->type = origin;
    } else {
        report_at(g, q->source, c->at, "the type of '%.*s' is not known: add `-- col: %.*s TYPE`",
                  STR_ARG(c->name), STR_ARG(c->name));
        q->bad = true;
    }
}

static void check_column_name(struct gen *g, struct query *q, unsigned i)
{
    struct column *c = &q->columns[i];
    const char *wrong = NULL;
    if (!name_usable(c->name))
        wrong = "cannot name a field: add AS and a C identifier that is no keyword";
    for (unsigned k = 0; k < i; k++)
        if (str_eq(q->columns[k].name, c->name))
            wrong = "names two columns: add AS";
    if (!wrong)
        return;
    report_at(g, q->source, c->at, "'%.*s' %s", STR_ARG(c->name), wrong);
    q->bad = true;
}

static void check_columns(struct gen *g, struct query *q, sqlite3_stmt *st)
{
    struct typing typing;
    if (sqlite3_column_count(st) == 0 || !columns_find(g, q))
        return;
    if ((int)q->n_columns != sqlite3_column_count(st)) {
        refuse(g, q, q->tokens->at, "the result columns cannot be told apart here");
        return;
    }
    typing_of_query(g, q->sql, q->tokens, &typing);
    for (unsigned i = 0; i < q->n_columns; i++) {
        struct column *c = &q->columns[i];
        bool not_null;
        enum sql_type origin = typing_origin(g, st, (int)i, &not_null);
        c->nullable = !(not_null && typing.never_null);
        check_column_name(g, q, i);
        check_column_type(g, q, c, typing.compound ? TYPE_UNKNOWN : origin);
    }
}

static void check_notes_used(struct gen *g, struct query *q)
{
    for (unsigned i = 0; i < q->n_notes; i++) {
        if (q->notes[i].used)
            continue;
        report_at(g, q->source, q->notes[i].at, "no result column is named '%.*s'",
                  STR_ARG(q->notes[i].name));
        q->bad = true;
    }
}

void check_query(struct gen *g, struct query *q)
{
    sqlite3_stmt *st = NULL;
    if (q->bad || !q->tokens)
        return;
    check_first_word(g, q);
    if (q->bad)
        return;
    check_params(g, q);
    check_stars(g, q);
    if (!prepare(g, q, &st))
        return;
    if (!q->bad)
        number_params(g, q, st);
    q->writes = !sqlite3_stmt_readonly(st);
    check_kind(g, q, st);
    check_plan(g, q);
    if (!q->bad)
        check_columns(g, q, st);
    if (!q->bad)
        check_notes_used(g, q);
    sqlite3_finalize(st);
}

/* The functions that a query of this name and kind becomes. */
static bool defines(const struct query *q, struct str function)
{
    static const char *const many[] = {"_begin", "_next", "_end", "_all"};
    if (q->kind != QUERY_MANY)
        return str_eq(q->name, function);
    if (!str_starts(function, q->name))
        return false;
    struct str suffix = str_sub(function, q->name.n, function.n);
    for (size_t i = 0; i < sizeof many / sizeof *many; i++)
        if (str_eq(suffix, str_from(many[i])))
            return true;
    return false;
}

static bool collide(const struct query *a, const struct query *b)
{
    return str_eq(a->name, b->name) || (b->kind != QUERY_MANY && defines(a, b->name)) ||
           (a->kind != QUERY_MANY && defines(b, a->name));
}

void check_names(struct gen *g)
{
    for (struct query *q = g->queries; q; q = q->next) {
        for (const struct query *other = g->queries; other != q; other = other->next) {
            if (!collide(q, other))
                continue;
            struct place p = source_place(other->source, other->name_at);
            report_at(g, q->source, q->name_at, "query '%.*s' is also defined at %s:%u:%u",
                      STR_ARG(q->name), other->source->path, p.line, p.column);
            break;
        }
    }
}
