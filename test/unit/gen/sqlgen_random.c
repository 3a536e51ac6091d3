/*
 * A grammar that is walked at random. It favours what makes a NOT NULL column
 * give NULL: outer joins on either side, empty inputs of aggregates, and both
 * hidden in sub-queries, views, CTEs and parentheses.
 */
#include "test/unit/gen/sqlgen_random.h"

#include <stdio.h>

enum { SCOPE_MAX = 8, DEPTH_MAX = 2 };

struct scope { /* the aliases that a SELECT can name */
    struct relation aliases[SCOPE_MAX];
    unsigned n;
};

static void add_select(struct random_schema *s, struct buf *out, int depth, unsigned columns);

static size_t below(struct random_schema *s, size_t n)
{
    return unit_below(&s->random, n);
}

static bool chance(struct random_schema *s, size_t percent)
{
    return below(s, 100) < percent;
}

static const char *pick(struct random_schema *s, const char *const *words, size_t n)
{
    return words[below(s, n)];
}

#define PICK(s, words) pick((s), (words), COUNT_OF(words))

static struct relation new_relation(struct random_schema *s, char first, char prefix)
{
    struct relation r = {.prefix = prefix};
    snprintf(r.name, sizeof r.name, "%c%u", first, s->names++ % 10000);
    return r;
}

/* ---- schema ---- */

static const char *type_name(char type)
{
    return type == 'i' ? "INTEGER" : type == 't' ? "TEXT" : type == 'r' ? "REAL" : "BLOB";
}

static void add_key(struct random_schema *s, struct buf *out, struct relation *r)
{
    static const char *const keys[] = {"i INTEGER PRIMARY KEY", "t TEXT PRIMARY KEY",
                                       "i INT PRIMARY KEY", "i INTEGER PRIMARY KEY DESC",
                                       "r REAL UNIQUE"};
    const char *key = PICK(s, keys);
    r->types[r->n_columns++] = key[0];
    buf_printf(out, "c0%s", key + 1);
}

static void add_generated(struct random_schema *s, struct buf *out, struct relation *r)
{
    static const char *const forms[] = {"INTEGER NOT NULL AS (coalesce(length(c0), 1)) STORED",
                                        "TEXT AS (c0) VIRTUAL", "INTEGER AS ('text') VIRTUAL",
                                        "INTEGER NOT NULL AS (length(c0)) VIRTUAL"};
    buf_printf(out, ", c%u %s", r->n_columns, PICK(s, forms));
    r->types[r->n_columns++] = 'g';
}

static void add_table(struct random_schema *s, struct buf *out)
{
    struct relation r = new_relation(s, 't', 'c');
    buf_printf(out, "CREATE TABLE %s (", r.name);
    add_key(s, out, &r);
    for (size_t more = 1 + below(s, 4); more > 0; more--) {
        char type = "itrb"[below(s, 4)];
        buf_printf(out, ", c%u %s%s", r.n_columns, type_name(type),
                   chance(s, 60) ? " NOT NULL" : "");
        r.types[r.n_columns++] = type;
    }
    if (chance(s, 25))
        add_generated(s, out, &r);
    buf_lit(out, ") STRICT;\n");
    if (chance(s, 50))
        buf_printf(out, "CREATE INDEX %s_i ON %s (c1);\n", r.name, r.name);
    s->relations[s->n_relations++] = r;
    s->n_tables++;
}

static void add_value(struct random_schema *s, struct buf *out, char type)
{
    static const char *const ints[] = {"0", "1", "2", "3"};
    static const char *const texts[] = {"'a'", "'b'", "'c'", "''"};
    static const char *const reals[] = {"0.5", "1.0", "2.5", "3.0"};
    static const char *const blobs[] = {"x''", "x'01'", "x'0203'", "x'ff'"};
    size_t i = below(s, 4);
    if (chance(s, 25))
        buf_lit(out, "NULL");
    else
        buf_printf(out, "%s",
                   type == 'i'   ? ints[i]
                   : type == 't' ? texts[i]
                   : type == 'r' ? reals[i]
                                 : blobs[i]);
}

/* Rows with a NULL where there may be none, and with a key twice, are ignored. */
static void add_rows(struct random_schema *s, struct buf *out, const struct relation *r)
{
    for (size_t rows = below(s, 8); rows > 0; rows--) {
        buf_printf(out, "INSERT OR IGNORE INTO %s VALUES (", r->name);
        for (unsigned i = 0; i < r->n_columns && r->types[i] != 'g'; i++) {
            buf_printf(out, "%s", i ? ", " : "");
            add_value(s, out, r->types[i]);
        }
        buf_lit(out, ");\n");
    }
}

static void add_view(struct random_schema *s, struct buf *out)
{
    struct relation r = new_relation(s, 'v', 's');
    r.n_columns = 1 + (unsigned)below(s, 3);
    buf_printf(out, "CREATE VIEW %s AS ", r.name);
    add_select(s, out, 1, r.n_columns);
    buf_lit(out, ";\n");
    s->relations[s->n_relations++] = r;
}

void random_schema(struct random_schema *s, struct buf *out)
{
    s->n_relations = s->n_tables = 0;
    for (int i = 0; i < 3; i++) {
        add_table(s, out);
        add_rows(s, out, &s->relations[i]);
    }
    add_view(s, out);
    add_view(s, out);
    s->n_lasting = s->n_relations;
}

/* ---- expressions ---- */

static void add_column(struct random_schema *s, struct buf *out, const struct scope *scope)
{
    const struct relation *r = &scope->aliases[below(s, scope->n)];
    buf_printf(out, "%s.%c%zu", r->name, r->prefix, below(s, r->n_columns));
}

static void add_condition(struct random_schema *s, struct buf *out, const struct scope *scope)
{
    static const char *const operators[] = {" = ", " = ", " < ", " <> ", " IS "};
    static const char *const values[] = {"0", "1", "'a'", "'b'", "1.0", "x'01'"};
    size_t form = below(s, 10);
    if (form == 0) {
        buf_lit(out, "0");
        return;
    }
    if (form == 1) {
        buf_lit(out, "1");
        return;
    }
    add_column(s, out, scope);
    if (form == 2) {
        buf_printf(out, " IS %sNULL", chance(s, 50) ? "NOT " : "");
        return;
    }
    buf_printf(out, "%s", PICK(s, operators));
    if (form < 7)
        add_column(s, out, scope);
    else
        buf_printf(out, "%s", PICK(s, values));
}

static void add_scalar_select(struct random_schema *s, struct buf *out, const struct scope *scope)
{
    const struct relation *r = &s->relations[below(s, s->n_relations)];
    struct relation inner = new_relation(s, 'a', r->prefix);
    buf_printf(out, "(SELECT %s.%c0 FROM %s AS %s WHERE %s.%c0 = ", inner.name, r->prefix, r->name,
               inner.name, inner.name, r->prefix);
    add_column(s, out, scope);
    buf_lit(out, " LIMIT 1)");
}

static void add_expression(struct random_schema *s, struct buf *out, const struct scope *scope)
{
    static const char *const functions[] = {"max", "min", "count", "sum", "typeof", "coalesce"};
    size_t form = below(s, 100);
    if (form < 84) {
        add_column(s, out, scope);
    } else if (form < 88) {
        buf_printf(out, "%s.rowid", scope->aliases[below(s, scope->n)].name);
    } else if (form < 92) {
        add_scalar_select(s, out, scope);
    } else if (form < 94) {
        buf_lit(out, "first_value(");
        add_column(s, out, scope);
        buf_lit(out, ") OVER ()");
    } else {
        const char *function = PICK(s, functions);
        buf_printf(out, "%s(", function);
        add_column(s, out, scope);
        buf_printf(out, "%s)", strcmp(function, "coalesce") == 0 ? ", 1" : "");
    }
}

/* ---- FROM ---- */

static void add_source(struct random_schema *s, struct buf *out, struct scope *scope, int depth);

static void add_join(struct random_schema *s, struct buf *out, struct scope *scope, int depth)
{
    static const char *const joins[] = {
        " JOIN ",       " JOIN ",      " LEFT JOIN ",  " LEFT JOIN ",
        " RIGHT JOIN ", " FULL JOIN ", " CROSS JOIN ", ", "};
    const char *join = PICK(s, joins);
    buf_printf(out, "%s", join);
    add_source(s, out, scope, depth);
    if (join[0] == ',' || (join[1] == 'C' && chance(s, 50)))
        return;
    buf_lit(out, " ON ");
    add_condition(s, out, scope);
}

static void add_named(struct random_schema *s, struct buf *out, struct scope *scope)
{
    const struct relation *from =
        &s->relations[below(s, chance(s, 65) ? s->n_tables : s->n_relations)];
    struct relation alias = new_relation(s, 'a', from->prefix);
    alias.n_columns = from->n_columns;
    buf_printf(out, "%s AS %s", from->name, alias.name);
    scope->aliases[scope->n++] = alias;
}

static void add_source(struct random_schema *s, struct buf *out, struct scope *scope, int depth)
{
    size_t form = below(s, 100);
    if (depth >= DEPTH_MAX || scope->n + 2 >= SCOPE_MAX || form < 80) {
        add_named(s, out, scope);
    } else if (form < 90) {
        struct relation alias = new_relation(s, 'a', 's');
        alias.n_columns = 1 + (unsigned)below(s, 3);
        buf_lit(out, "(");
        add_select(s, out, depth + 1, alias.n_columns);
        buf_printf(out, ") AS %s", alias.name);
        scope->aliases[scope->n++] = alias;
    } else {
        buf_lit(out, "(");
        add_named(s, out, scope);
        add_join(s, out, scope, DEPTH_MAX);
        buf_lit(out, ")");
    }
}

/* ---- statements ---- */

static void add_core(struct random_schema *s, struct buf *out, int depth, unsigned columns)
{
    struct scope scope = {.n = 0};
    CLEANUP(buf_free) struct buf from = BUF_INIT;
    add_source(s, &from, &scope, depth);
    for (size_t joins = below(s, 3); joins > 0 && scope.n + 2 < SCOPE_MAX; joins--)
        add_join(s, &from, &scope, depth);
    buf_printf(out, "SELECT %s", chance(s, 8) ? "DISTINCT " : "");
    for (unsigned i = 0; i < columns; i++) {
        buf_printf(out, "%s", i ? ", " : "");
        add_expression(s, out, &scope);
        buf_printf(out, " AS s%u", i);
    }
    buf_lit(out, " FROM ");
    buf_add(out, buf_str(&from));
    if (chance(s, 50)) {
        buf_lit(out, " WHERE ");
        add_condition(s, out, &scope);
    }
    if (chance(s, 15)) {
        buf_lit(out, " GROUP BY ");
        add_column(s, out, &scope);
        buf_printf(out, "%s", chance(s, 30) ? " HAVING count(*) > 0" : "");
    }
}

static void add_select(struct random_schema *s, struct buf *out, int depth, unsigned columns)
{
    static const char *const compounds[] = {" UNION ", " UNION ALL ", " EXCEPT ", " INTERSECT "};
    add_core(s, out, depth, columns);
    if (chance(s, 7)) {
        buf_printf(out, "%s", PICK(s, compounds));
        add_core(s, out, depth, columns);
    }
    if (chance(s, 20))
        buf_printf(out, " ORDER BY %zu%s", 1 + below(s, columns), chance(s, 50) ? " DESC" : "");
    if (chance(s, 20))
        buf_printf(out, " LIMIT %zu", below(s, 6));
}

/* Also the columns of what a write gives back. */
static void add_returning(struct random_schema *s, struct buf *out)
{
    const struct relation *r = &s->relations[below(s, s->n_tables)];
    struct scope scope = {.n = 1};
    scope.aliases[0] = *r;
    switch (below(s, 3)) {
    case 0:
        buf_printf(out, "DELETE FROM %s WHERE ", r->name);
        break;
    case 1:
        buf_printf(out, "UPDATE OR IGNORE %s SET c0 = 7, c1 = NULL WHERE ", r->name);
        break;
    default:
        buf_printf(out, "UPDATE %s SET c0 = c0 WHERE ", r->name);
    }
    add_condition(s, out, &scope);
    buf_lit(out, " RETURNING ");
    add_column(s, out, &scope);
    buf_lit(out, " AS s0");
}

static void add_cte(struct random_schema *s, struct buf *out)
{
    struct relation r = new_relation(s, 'w', 's');
    r.n_columns = 1 + (unsigned)below(s, 3);
    buf_printf(out, "WITH %s AS (", r.name);
    add_select(s, out, 1, r.n_columns);
    buf_lit(out, ") ");
    s->relations[s->n_relations++] = r;
}

void random_query(struct random_schema *s, struct buf *out)
{
    s->n_relations = s->n_lasting;
    if (chance(s, 6)) {
        add_returning(s, out);
        return;
    }
    if (chance(s, 10))
        add_cte(s, out);
    add_select(s, out, 0, 1 + (unsigned)below(s, 4));
}
