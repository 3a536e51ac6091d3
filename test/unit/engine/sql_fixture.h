/*
 * For the tests of engine/sql.c: a database file in a folder of its own, with
 * the schema of sql/migrations, and the queries of sql/notes.sql.
 */
#ifndef ROWHOUSE_TEST_UNIT_ENGINE_SQL_FIXTURE_H
#define ROWHOUSE_TEST_UNIT_ENGINE_SQL_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "test/unit/base/unit.h"
#include "test_sql_queries.h"

struct fixture {
    char folder[32], path[64];
    struct write_tx tx;
    struct reader *r; /* of tx */
    struct arena arena;
    struct err e;
};

static inline void must_exec(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
}

static inline void open_file(struct fixture *f, struct conn *c, int flags)
{
    *c = (struct conn){NULL, {NULL}, {0}};
    assert_int_equal(sqlite3_open_v2(f->path, &c->db, flags, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_extended_result_codes(c->db, 1), SQLITE_OK);
    must_exec(c->db, "PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF");
}

static inline int sql_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    strcpy(f->folder, "/tmp/test_sql.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/t.db", f->folder);
    open_file(f, &f->tx.reader.conn, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    f->r = &f->tx.reader;
    assert_int_equal(fixture_migrations_count, 1);
    must_exec(f->r->conn.db, fixture_migrations[0].sql);
    must_exec(f->r->conn.db, "INSERT INTO author (name) VALUES ('Ada')");
    *state = f;
    return 0;
}

static inline int sql_teardown(void **state)
{
    struct fixture *f = *state;
    fault_arm(FAULT_ALLOC, 0, false);
    conn_close(&f->r->conn);
    arena_free(&f->arena);
    unlink(f->path);
    rmdir(f->folder);
    free(f);
    return 0;
}

static inline struct note_insert_args plain_note(const char *id)
{
    return (struct note_insert_args){.id = str_from(id),
                                     .author = 1,
                                     .title = STR("Title"),
                                     .weight = 1.5,
                                     .digest = STR("\x00\x01")};
}

static inline void insert(struct fixture *f, const char *id)
{
    const struct note_insert_args args = plain_note(id);
    assert_int_equal(note_insert(&f->tx, &args, NULL, &f->e), 0);
}

static inline int get(struct fixture *f, const char *id, struct note_get_row *ret)
{
    const struct note_get_args args = {str_from(id)};
    return note_get(f->r, &args, &f->arena, ret, &f->e);
}

#define SQL_TEST(f) cmocka_unit_test_setup_teardown(f, sql_setup, sql_teardown)

#endif
