/*
 * Holds sqlgen's "never NULL" and its column types against random queries over
 * random schemas and rows.
 *
 * The naive rule, "the origin column is NOT NULL", is judged by the same
 * queries and must be caught: a test that never catches it could not catch a
 * fault of ours either. SQLGEN_NULL_QUERIES sets how many queries are tried,
 * SQLGEN_NULL_SEED another series.
 */
#include <stdio.h>
#include <stdlib.h>

#include "gen/sqlgen/sqlgen.h"
#include "test/unit/gen/sqlgen_random.h"

enum { QUERIES = 12000, QUERIES_A_SCHEMA = 60 };

struct verdict {
    bool never_null, naive;
    enum sql_type type;
};

struct tally {
    unsigned long tried, prepared, rows;
    unsigned long columns, never_null, typed; /* result columns, and how many were so judged */
    unsigned long wrong, naive_wrong, type_wrong;
};

static unsigned long number_from_environment(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 10) : otherwise;
}

static bool naive_never_null(struct gen *g, sqlite3_stmt *st, int column)
{
    const char *table = sqlite3_column_table_name(st, column);
    const char *origin = sqlite3_column_origin_name(st, column);
    const char *type;
    int not_null, key;
    return table && origin &&
           sqlite3_table_column_metadata(g->db, NULL, table, origin, &type, NULL, &not_null, &key,
                                         NULL) == SQLITE_OK &&
           (not_null || key);
}

/* Judges as check.c does. */
static void judge(struct gen *g, sqlite3_stmt *st, struct str sql, struct verdict *verdicts)
{
    size_t n_tokens;
    struct typing typing;
    typing_of_query(g, sql, lex_all(g, sql, 0, sql.n, &n_tokens), &typing);
    for (int i = 0; i < sqlite3_column_count(st); i++) {
        bool not_null;
        enum sql_type type = typing_origin(g, st, i, &not_null);
        verdicts[i] = (struct verdict){
            .never_null = not_null && typing.never_null,
            .naive = naive_never_null(g, st, i),
            .type = typing.compound ? TYPE_UNKNOWN : type,
        };
    }
}

/* SQLite keeps whole numbers of a REAL column as integers, and 3.40.1 forgets
 * here and there to convert them back: engine/sql.c takes them as reals. */
static bool is_of_type(int sqlite_type, enum sql_type type)
{
    static const int types[] = {0, SQLITE_TEXT, SQLITE_INTEGER, SQLITE_FLOAT, SQLITE_BLOB};
    return type == TYPE_UNKNOWN || sqlite_type == SQLITE_NULL || sqlite_type == types[type] ||
           (type == TYPE_REAL && sqlite_type == SQLITE_INTEGER);
}

/* Compares each row with the verdicts; a column is counted once. */
static void run(sqlite3_stmt *st, struct str sql, const struct verdict *verdicts, struct tally *t)
{
    bool null[RELATION_COLUMNS_MAX] = {false}, other_type[RELATION_COLUMNS_MAX] = {false};
    int n = sqlite3_column_count(st);
    for (; sqlite3_step(st) == SQLITE_ROW; t->rows++) {
        for (int i = 0; i < n; i++) {
            null[i] |= sqlite3_column_type(st, i) == SQLITE_NULL;
            other_type[i] |= !is_of_type(sqlite3_column_type(st, i), verdicts[i].type);
        }
    }
    for (int i = 0; i < n; i++) {
        t->columns++;
        t->never_null += verdicts[i].never_null;
        t->typed += verdicts[i].type != TYPE_UNKNOWN;
        t->naive_wrong += verdicts[i].naive && null[i];
        t->wrong += verdicts[i].never_null && null[i];
        t->type_wrong += other_type[i];
        if ((verdicts[i].never_null && null[i]) || other_type[i])
            print_message("# column %d (%s of %s) is wrong: %.*s\n", i,
                          sqlite3_column_origin_name(st, i), type_word(verdicts[i].type),
                          STR_ARG(sql));
    }
}

static void try_query(struct gen *g, struct str sql, struct tally *t)
{
    struct verdict verdicts[RELATION_COLUMNS_MAX] = {0};
    sqlite3_stmt *st = NULL;
    t->tried++;
    if (sqlite3_prepare_v2(g->db, sql.p, (int)sql.n, &st, NULL) != SQLITE_OK)
        return;
    t->prepared++;
    assert_in_range(sqlite3_column_count(st), 1, RELATION_COLUMNS_MAX);
    judge(g, st, sql, verdicts);
    sqlite3_exec(g->db, "BEGIN", NULL, NULL, NULL);
    run(st, sql, verdicts, t);
    sqlite3_finalize(st);
    sqlite3_exec(g->db, "ROLLBACK", NULL, NULL, NULL);
}

/* One schema, and queries over it. */
static void try_schema(struct random_schema *s, unsigned long queries, struct tally *t)
{
    struct gen g;
    CLEANUP(buf_free) struct buf sql = BUF_INIT;
    gen_init(&g, stderr);
    assert_true(schema_open(&g));
    random_schema(s, &sql);
    /* A view that SQLite does not take is left out; so are its queries. */
    for (const char *at = buf_cstr(&sql); *at; at = strchr(at, '\n') + 1) {
        sqlite3_stmt *st = NULL;
        if (sqlite3_prepare_v2(g.db, at, (int)(strchr(at, '\n') - at), &st, NULL) == SQLITE_OK)
            sqlite3_step(st);
        sqlite3_finalize(st);
    }
    for (unsigned long i = 0; i < queries; i++) {
        buf_reset(&sql);
        random_query(s, &sql);
        assert_true(buf_ok(&sql));
        try_query(&g, buf_str(&sql), t);
    }
    gen_free(&g);
}

static void test_never_null_is_never_null(void **state)
{
    (void)state;
    struct tally t = {0};
    struct random_schema s = {
        .random = {number_from_environment("SQLGEN_NULL_SEED", UINT64_C(0x5eed))}};
    unsigned long queries = number_from_environment("SQLGEN_NULL_QUERIES", QUERIES);
    while (t.tried < queries)
        try_schema(&s, QUERIES_A_SCHEMA, &t);
    print_message("# %lu queries, %lu prepared, %lu rows, %lu columns: %lu judged never NULL, "
                  "%lu wrongly (the naive rule: %lu); %lu with a type, %lu wrongly\n",
                  t.tried, t.prepared, t.rows, t.columns, t.never_null, t.wrong, t.naive_wrong,
                  t.typed, t.type_wrong);
    assert_int_equal(t.wrong, 0);
    assert_int_equal(t.type_wrong, 0);
    /* What makes the two lines above say something. */
    assert_true(t.prepared > t.tried / 2);
    assert_true(t.never_null > t.columns / 20);
    assert_true(t.typed > t.columns / 3);
    assert_true(t.naive_wrong > t.columns / 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_never_null_is_never_null)};
    return cmocka_run_group_tests_name("sqlgen_null", tests, NULL, NULL);
}
