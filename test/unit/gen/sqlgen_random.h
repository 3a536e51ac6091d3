/*
 * Random schemas, rows and queries for test_sqlgen_null.c. The same seed gives
 * the same ones. One thread.
 */
#ifndef ROWHOUSE_TEST_UNIT_GEN_SQLGEN_RANDOM_H
#define ROWHOUSE_TEST_UNIT_GEN_SQLGEN_RANDOM_H

#include "base/buf.h"
#include "test/unit/base/unit.h"

enum { RELATIONS_MAX = 12, RELATION_COLUMNS_MAX = 8 };

struct relation { /* a table, view, CTE or an alias in a FROM */
    char name[8];
    unsigned n_columns;
    char prefix;                      /* its columns are this letter and 0, 1, 2 ... */
    char types[RELATION_COLUMNS_MAX]; /* of a table: i, t, r, b, or g: generated */
};

struct random_schema {
    struct unit_random random;
    struct relation relations[RELATIONS_MAX]; /* tables, views, then the query's CTEs */
    unsigned n_relations, n_tables, n_lasting;
    unsigned names; /* how many were handed out */
};

/* Appends the statements that make a schema and fill it. */
void random_schema(struct random_schema *s, struct buf *out);

/* Appends a statement that gives rows. Some make no sense to SQLite. */
void random_query(struct random_schema *s, struct buf *out);

#endif
