/*
 * A folder of tenants under /tmp for one test, and an application with a table
 * of rows and a tenant's own row. Everything fails the test where it fails.
 */
#ifndef ROWHOUSE_TEST_STORE_FIXTURE_H
#define ROWHOUSE_TEST_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/conn.h"
#include "engine/store.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        struct err err_ = ERR_INIT, *e = &err_;                                                    \
        int rc_ = (call);                                                                          \
        if (rc_)                                                                                   \
            fail_msg("%s: %d %s", #call, rc_, err_.text);                                          \
    } while (0)

/* As assert_ok, for one particular error with a text that has `part` in it. */
#define assert_fails(call, code_, part)                                                            \
    do {                                                                                           \
        struct err err_ = ERR_INIT, *e = &err_;                                                    \
        int rc_ = (call);                                                                          \
        if (rc_ != (code_) || err_.code != (code_) || !strstr(err_.text, (part)))                  \
            fail_msg("%s: %d (%d) %s", #call, rc_, err_.code, err_.text);                          \
    } while (0)

static const struct migration fixture_migrations[] = {
    {1, "0001_rows", "CREATE TABLE row (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;", 0,
     "1111111111111111111111111111111111111111111111111111111111111111"},
    {2, "0002_info",
     "CREATE TABLE info (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;"
     "CREATE INDEX info_name ON info (name);",
     0, "2222222222222222222222222222222222222222222222222222222222222222"},
};

static inline void fixture_sql(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
}

static inline long long fixture_int(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK || sqlite3_step(st) != SQLITE_ROW)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    long long v = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return v;
}

static inline int fixture_create(struct write_tx *tx, const struct tenant_name *t, struct err *e)
{
    sqlite3 *db = tx->reader.conn.db;
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, "INSERT INTO info (id, name) VALUES (1, ?)", -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(st, 1, t->s, t->n, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st) == SQLITE_DONE ? SQLITE_OK : SQLITE_ERROR;
    sqlite3_finalize(st);
    return rc == SQLITE_OK ? 0 : sql_error(db, rc, "fixture_create", e);
}

static inline int fixture_summarise(struct reader *r, struct tenant_summary *ret, struct err *e)
{
    (void)e;
    ret->rows = fixture_int(r->conn.db, "SELECT count(*) FROM row");
    strcpy(ret->created_at, "2026-01-02T03:04:05.678Z");
    strcpy(ret->last_activity, "");
    return 0;
}

static const struct engine_app fixture_app = {.migrations = fixture_migrations,
                                              .migration_count = COUNT_OF(fixture_migrations),
                                              .on_create = fixture_create,
                                              .summarise = fixture_summarise};

struct fixture {
    char path[64];
    struct store *store;
};

static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->path, "/tmp/rowhouse-test-XXXXXX");
    if (!mkdtemp(f->path))
        return -1;
    struct err e = ERR_INIT;
    if (store_open(f->path, false, &fixture_app, &f->store, &e)) {
        fprintf(stderr, "%s\n", e.text);
        return -1;
    }
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", f->path);
    int rc = system(command);
    free(f);
    return rc;
}

static inline struct tenant_name fixture_name(const char *name)
{
    struct tenant_name t;
    assert_ok(tenant_name_parse(str_from(name), &t, e));
    return t;
}

static inline struct conn fixture_open(struct fixture *f, const char *name, enum conn_mode mode)
{
    struct tenant_name t = fixture_name(name);
    char path[4096];
    store_file(f->store, &t, path);
    struct conn c;
    assert_ok(conn_open(&c, path, mode, 1000, e));
    return c;
}

/* "{folder}/{file}", in a buffer that the next call uses again. */
static inline const char *fixture_path(struct fixture *f, const char *file)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", f->path, file);
    return path;
}

static inline int fixture_exists(struct fixture *f, const char *file)
{
    struct stat st;
    return lstat(fixture_path(f, file), &st) == 0;
}

static inline void fixture_write(struct fixture *f, const char *file, const void *p, size_t n)
{
    FILE *out = fopen(fixture_path(f, file), "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(p, 1, n, out), n);
    fclose(out);
}

#endif
