/*
 * The type of a result column, and whether it may be NULL.
 *
 * SQLite names the table column that a result column comes from (its origin),
 * but it looks through sub-queries and views and forgets outer joins on the
 * way, so "the origin is NOT NULL" proves nothing. A column is never NULL only
 * where all of this holds:
 *   1. its origin is known, and NOT NULL or INTEGER PRIMARY KEY;
 *   2. the statement has one SELECT (and no VALUES);
 *   3. no view and no CTE is touched: the authorizer names them;
 *   4. the byte code has no NullRow, which outer joins need;
 *   5. the byte code aggregates only with a GROUP BY: without one, an empty
 *      input gives a row of NULLs.
 * test_sqlgen_null.c holds this rule against random queries.
 *
 * The type of the origin is right wherever the origin is known, but for
 * compound SELECTs: SQLite names the origin in the first of them only.
 */
#include <stdlib.h>

#include "gen/sqlgen/sqlgen.h"

enum { VIEWS_MAX = 64 };

struct views { /* views and CTEs that a statement touches */
    struct gen *g;
    struct str names[VIEWS_MAX];
    unsigned n;
    bool overflow;
};

static int note_view(void *arg, int action, const char *a, const char *b, const char *schema,
                     const char *view)
{
    struct views *v = arg;
    (void)action, (void)a, (void)b, (void)schema;
    if (!view)
        return SQLITE_OK;
    for (unsigned i = 0; i < v->n; i++)
        if (str_eq(v->names[i], str_from(view)))
            return SQLITE_OK;
    if (v->n == VIEWS_MAX)
        v->overflow = true;
    else
        v->names[v->n++] = gen_copy(v->g, str_from(view));
    return SQLITE_OK;
}

static bool any_token(const struct token *tokens, const char *const *words)
{
    for (; tokens->kind != TOKEN_END; tokens++)
        for (size_t i = 0; words[i]; i++)
            if (token_is(tokens, words[i]))
                return true;
    return false;
}

static bool is_compound(const struct token *tokens)
{
    static const char *const words[] = {"UNION", "INTERSECT", "EXCEPT", NULL};
    return any_token(tokens, words);
}

static bool one_select(const struct token *tokens)
{
    unsigned selects = 0;
    for (const struct token *t = tokens; t->kind != TOKEN_END; t++)
        selects += token_is(t, "SELECT") + 2U * token_is(t, "VALUES");
    return selects == 1 && token_is(tokens, "SELECT");
}

static sqlite3_stmt *must_prepare(struct gen *g, const char *sql, struct str arg)
{
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(g->db, sql, -1, &st, NULL) ||
        sqlite3_bind_text64(st, 1, arg.p, arg.n, SQLITE_TRANSIENT, SQLITE_UTF8))
        abort();
    return st;
}

/* Whether the text of view `name` is a compound; a CTE is part of the
 * statement, which was looked at already. */
static bool view_is_compound(struct gen *g, struct str name)
{
    sqlite3_stmt *st = must_prepare(
        g, "SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = ?1 COLLATE nocase", name);
    bool compound = false;
    if (sqlite3_step(st) == SQLITE_ROW) {
        struct str sql = gen_copy(g, str_from((const char *)sqlite3_column_text(st, 0)));
        size_t n;
        compound = is_compound(lex_all(g, sql, 0, sql.n, &n));
    }
    sqlite3_finalize(st);
    return compound;
}

/* Parts 4 and 5. */
static bool byte_code_keeps_nulls_out(struct gen *g, struct str sql, bool grouped)
{
    struct str explain = arena_printf(&g->arena, "EXPLAIN %.*s", STR_ARG(sql));
    sqlite3_stmt *st;
    bool clean =
        explain.p && sqlite3_prepare_v2(g->db, explain.p, (int)explain.n, &st, NULL) == SQLITE_OK;
    if (!clean)
        return false;
    while (sqlite3_step(st) == SQLITE_ROW) {
        struct str opcode = str_from((const char *)sqlite3_column_text(st, 1));
        if (str_eq(opcode, STR("NullRow")) || (str_starts(opcode, STR("Agg")) && !grouped))
            clean = false;
    }
    return sqlite3_finalize(st) == SQLITE_OK && clean;
}

void typing_of_query(struct gen *g, struct str sql, const struct token *tokens, struct typing *ret)
{
    static const char *const group[] = {"GROUP", NULL};
    static const char *const with[] = {"WITH", NULL};
    struct views views = {.g = g};
    sqlite3_stmt *st = NULL;
    sqlite3_set_authorizer(g->db, note_view, &views);
    bool prepared = sqlite3_prepare_v2(g->db, sql.p, (int)sql.n, &st, NULL) == SQLITE_OK;
    sqlite3_set_authorizer(g->db, NULL, NULL);
    sqlite3_finalize(st);

    ret->compound = !prepared || views.overflow || is_compound(tokens);
    for (unsigned i = 0; i < views.n && !ret->compound; i++)
        ret->compound = view_is_compound(g, views.names[i]);
    ret->never_null = prepared && one_select(tokens) && views.n == 0 && !any_token(tokens, with) &&
                      byte_code_keeps_nulls_out(g, sql, any_token(tokens, group));
}

/* Only STRICT tables keep values to their column's type, and not even they do
 * for a generated column that is computed on reading. */
static bool origin_is_strict(struct gen *g, const char *table, const char *column)
{
    sqlite3_stmt *st =
        must_prepare(g,
                     "SELECT strict AND NOT EXISTS (SELECT 1 FROM pragma_table_xinfo(?1) AS x"
                     " WHERE x.name = ?2 AND x.hidden = 2)"
                     " FROM pragma_table_list WHERE schema = 'main' AND name = ?1",
                     str_from(table));
    sqlite3_bind_text(st, 2, column, -1, SQLITE_STATIC);
    bool strict = sqlite3_step(st) == SQLITE_ROW && sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return strict;
}

static enum sql_type type_of_declaration(struct str declared)
{
    static const struct {
        const char *name;
        enum sql_type type;
    } types[] = {{"TEXT", TYPE_TEXT},
                 {"INTEGER", TYPE_INT},
                 {"INT", TYPE_INT},
                 {"REAL", TYPE_REAL},
                 {"BLOB", TYPE_BLOB}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_eq_nocase(declared, str_from(types[i].name)))
            return types[i].type;
    return TYPE_UNKNOWN; /* ANY */
}

/* SQLite 3.40.1 converts what RETURNING gives by the affinity of the table's
 * first column, whichever column is returned: behind a REAL one, integers come
 * out as reals. CAST(x AS INTEGER) gives the integer. */
static bool returned_as_real(struct gen *g, sqlite3_stmt *st, const char *table)
{
    if (sqlite3_stmt_readonly(st))
        return false;
    sqlite3_stmt *first = must_prepare(
        g, "SELECT type = 'REAL' COLLATE nocase FROM pragma_table_xinfo(?1) WHERE cid = 0",
        str_from(table));
    bool real = sqlite3_step(first) == SQLITE_ROW && sqlite3_column_int(first, 0);
    sqlite3_finalize(first);
    return real;
}

enum sql_type typing_origin(struct gen *g, sqlite3_stmt *st, int column, bool *ret_not_null)
{
    const char *table = sqlite3_column_table_name(st, column);
    const char *name = sqlite3_column_origin_name(st, column);
    const char *declared;
    int not_null, primary_key;
    *ret_not_null = false;
    if (!table || !name || !origin_is_strict(g, table, name) ||
        sqlite3_table_column_metadata(g->db, "main", table, name, &declared, NULL, &not_null,
                                      &primary_key, NULL) != SQLITE_OK)
        return TYPE_UNKNOWN;
    /* In a STRICT table every part of a primary key is NOT NULL, and SQLite
     * says so, but for the row id, for which it says only primary key. */
    *ret_not_null = not_null || primary_key;
    enum sql_type type = declared ? type_of_declaration(str_from(declared)) : TYPE_UNKNOWN;
    return type == TYPE_INT && returned_as_real(g, st, table) ? TYPE_UNKNOWN : type;
}
