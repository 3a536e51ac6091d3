/*
 * Where the result columns of a statement stand in its text, and their names.
 *
 * SQLite promises a column's name only where AS gives one, so the name comes
 * from the text: the word behind AS, or the column of a plain `column` or
 * `table.column`. Every other expression needs an AS.
 */
#include "gen/sqlgen/sqlgen.h"

/* The first token of the result list, or the TOKEN_END. */
static const struct token *list_begin(const struct query *q)
{
    bool reads = token_is(q->tokens, "SELECT") || token_is(q->tokens, "WITH");
    const struct token *returning = NULL, *select = NULL, *t = q->tokens;
    for (; t->kind != TOKEN_END; t++) {
        if (t->depth == 0 && token_is(t, "RETURNING"))
            returning = t;
        if (t->depth == 0 && !select && token_is(t, "SELECT"))
            select = t;
    }
    const struct token *begin = returning ? returning : reads ? select : NULL;
    if (!begin)
        return t;
    bool modified = token_is(begin + 1, "DISTINCT") || token_is(begin + 1, "ALL");
    return begin + (modified ? 2 : 1);
}

/* The keywords behind a result list. `IS DISTINCT FROM` is an operator. */
static bool ends_list(const struct token *t)
{
    static const char *const words[] = {"FROM",  "WHERE", "GROUP", "HAVING",    "WINDOW",
                                        "ORDER", "LIMIT", "UNION", "INTERSECT", "EXCEPT"};
    if (t->kind == TOKEN_END)
        return true;
    if (t->depth != 0 || (token_is(t, "FROM") && token_is(t - 1, "DISTINCT")))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (token_is(t, words[i]))
            return true;
    return false;
}

static bool is_name(const struct token *t)
{
    return t->kind == TOKEN_WORD || t->kind == TOKEN_QUOTED;
}

/* x, t.x or main.t.x */
static bool is_plain_column(const struct token *from, const struct token *to)
{
    for (const struct token *t = from; t < to; t++) {
        bool even = (t - from) % 2 == 0;
        if (even ? !is_name(t) : !token_is_punct(t, '.'))
            return false;
    }
    return (to - from) % 2 == 1;
}

static bool add_column(struct gen *g, struct query *q, const struct token *from,
                       const struct token *to)
{
    const struct token *last = to - 1;
    bool named =
        to - from > 2 && token_is(last - 1, "AS") && (is_name(last) || last->kind == TOKEN_STRING);
    if (from == to || (!named && !is_plain_column(from, to))) {
        report_at(g, q->source, from->at, "result column %u is an expression: name it with AS",
                  q->n_columns + 1);
        return false;
    }
    if (q->n_columns == QUERY_COLUMNS_MAX) {
        report_at(g, q->source, from->at, "more than %d result columns", QUERY_COLUMNS_MAX);
        return false;
    }
    q->columns[q->n_columns++] = (struct column){.name = token_name(g, last), .at = from->at};
    return true;
}

bool columns_find(struct gen *g, struct query *q)
{
    const struct token *from = list_begin(q), *t = from;
    bool good = true;
    if (from->kind == TOKEN_END) {
        report_at(g, q->source, q->sql_at, "the result columns have no names: use SELECT ... AS");
        q->bad = true;
        return false;
    }
    for (;; t++) {
        bool end = ends_list(t);
        if (!end && !(t->depth == 0 && token_is_punct(t, ',')))
            continue;
        good &= add_column(g, q, from, t);
        if (end)
            break;
        from = t + 1;
    }
    q->bad |= !good;
    return good;
}
