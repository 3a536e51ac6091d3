/*
 * What SQLite itself gives on this machine: the limits that the server's
 * figures are held against. Prints one JSON object.
 *
 *   raw_sqlite group  FOLDER SECONDS ROWS     one database, ROWS rows a commit
 *   raw_sqlite shared FOLDER SECONDS TENANTS THREADS
 *                                             one row a commit, all flushing
 *   raw_sqlite read   FOLDER SECONDS ROWS     newest ROWS rows to JSON
 *
 * The same tables, ids and flushes as the server (synchronous=FULL, WAL).
 */
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/uuid.h"

static const char schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "CREATE TABLE IF NOT EXISTS items(id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT,"
    " created_at TEXT NOT NULL, updated_at TEXT NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS tenant_info(id INTEGER PRIMARY KEY, name TEXT NOT NULL,"
    " created_at TEXT, item_count INTEGER NOT NULL DEFAULT 0, last_activity TEXT) STRICT;"
    "INSERT OR IGNORE INTO tenant_info VALUES(1,'bench','2026-01-01T00:00:00.000Z',0,NULL);";

static void must(int rc, sqlite3 *db, const char *what)
{
    if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE)
        return;
    fprintf(stderr, "raw_sqlite: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static sqlite3 *open_database(const char *folder, unsigned number)
{
    sqlite3 *db = NULL;
    char path[4096];
    snprintf(path, sizeof path, "%s/raw-%u.db", folder, number);
    must(sqlite3_open_v2(path, &db,
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL),
         db, "open");
    must(sqlite3_exec(db, schema, NULL, NULL, NULL), db, "schema");
    return db;
}

struct inserter {
    sqlite3 *db;
    sqlite3_stmt *begin, *insert, *count, *commit;
    struct uuid_gen ids;
};

static void inserter_open(struct inserter *in, sqlite3 *db)
{
    *in = (struct inserter){.db = db};
    must(sqlite3_prepare_v2(db, "BEGIN IMMEDIATE", -1, &in->begin, NULL), db, "prepare");
    must(sqlite3_prepare_v2(db, "INSERT INTO items VALUES(?,?,?,?,?)", -1, &in->insert, NULL), db,
         "prepare");
    must(sqlite3_prepare_v2(db, "UPDATE tenant_info SET item_count=item_count+1,last_activity=?",
                            -1, &in->count, NULL),
         db, "prepare");
    must(sqlite3_prepare_v2(db, "COMMIT", -1, &in->commit, NULL), db, "prepare");
}

static void step(struct inserter *in, sqlite3_stmt *st)
{
    must(sqlite3_step(st), in->db, "step");
    sqlite3_reset(st);
}

static void insert_rows(struct inserter *in, unsigned rows)
{
    step(in, in->begin);
    for (unsigned i = 0; i < rows; i++) {
        char id[UUID_TEXT_BYTES];
        char now[RFC3339_BYTES];
        uuid_v7(&in->ids, id);
        rfc3339_format(clock_real_ns(), now);
        sqlite3_bind_text(in->insert, 1, id, -1, SQLITE_STATIC);
        sqlite3_bind_text(in->insert, 2, "Load Test Item", -1, SQLITE_STATIC);
        sqlite3_bind_text(in->insert, 3, "Testing", -1, SQLITE_STATIC);
        sqlite3_bind_text(in->insert, 4, now, -1, SQLITE_STATIC);
        sqlite3_bind_text(in->insert, 5, now, -1, SQLITE_STATIC);
        step(in, in->insert);
        sqlite3_bind_text(in->count, 1, now, -1, SQLITE_STATIC);
        step(in, in->count);
    }
    step(in, in->commit);
}

static void inserter_close(struct inserter *in)
{
    sqlite3_finalize(in->begin);
    sqlite3_finalize(in->insert);
    sqlite3_finalize(in->count);
    sqlite3_finalize(in->commit);
    sqlite3_close(in->db);
}

static void run_group(const char *folder, double seconds, unsigned rows)
{
    struct inserter in;
    inserter_open(&in, open_database(folder, 0));
    int64_t total = 0;
    int64_t began = clock_mono_ns();
    int64_t until = began + (int64_t)(seconds * 1e9);
    while (clock_mono_ns() < until) {
        insert_rows(&in, rows);
        total += rows;
    }
    double took = (double)(clock_mono_ns() - began) / 1e9;
    printf("{\"rows_per_second\": %.0f}\n", (double)total / took);
    inserter_close(&in);
}

static struct inserter *shared_tenants;
static unsigned shared_count, shared_threads;
static int64_t shared_until;
static _Atomic int64_t shared_commits;

/* Each thread has databases of its own, as each tenant has one writer. */
static void *shared_thread(void *argument)
{
    unsigned self = (unsigned)(uintptr_t)argument;
    while (clock_mono_ns() < shared_until)
        for (unsigned t = self; t < shared_count; t += shared_threads) {
            insert_rows(&shared_tenants[t], 1);
            atomic_fetch_add(&shared_commits, 1);
        }
    return NULL;
}

static void run_shared(const char *folder, double seconds, unsigned tenants, unsigned threads)
{
    pthread_t handles[256];
    shared_count = tenants;
    shared_threads = threads > 256 ? 256 : threads;
    shared_tenants = calloc(tenants, sizeof *shared_tenants);
    if (!shared_tenants)
        exit(1);
    for (unsigned t = 0; t < tenants; t++)
        inserter_open(&shared_tenants[t], open_database(folder, t));
    int64_t began = clock_mono_ns();
    shared_until = began + (int64_t)(seconds * 1e9);
    for (unsigned i = 0; i < shared_threads; i++)
        if (pthread_create(&handles[i], NULL, shared_thread, (void *)(uintptr_t)i) != 0)
            exit(1);
    for (unsigned i = 0; i < shared_threads; i++)
        pthread_join(handles[i], NULL);
    double took = (double)(clock_mono_ns() - began) / 1e9;
    printf("{\"commits_per_second\": %.0f}\n", (double)shared_commits / took);
    for (unsigned t = 0; t < tenants; t++)
        inserter_close(&shared_tenants[t]);
    free(shared_tenants);
}

static struct str column(sqlite3_stmt *st, int i)
{
    return str_make((const char *)sqlite3_column_text(st, i), (size_t)sqlite3_column_bytes(st, i));
}

static void run_read(const char *folder, double seconds, unsigned rows)
{
    static const char *const names[] = {"id", "name", "description", "created_at", "updated_at"};
    struct inserter in;
    sqlite3_stmt *st;
    struct buf out = BUF_INIT;
    inserter_open(&in, open_database(folder, 0));
    insert_rows(&in, rows);
    must(sqlite3_prepare_v2(in.db,
                            "SELECT id,name,description,created_at,updated_at FROM items"
                            " ORDER BY id DESC LIMIT ?",
                            -1, &st, NULL),
         in.db, "prepare");
    int64_t total = 0;
    int64_t began = clock_mono_ns();
    int64_t until = began + (int64_t)(seconds * 1e9);
    for (; clock_mono_ns() < until; total++) {
        struct json j = json_to(&out);
        buf_reset(&out);
        sqlite3_bind_int64(st, 1, rows);
        json_array_begin(&j);
        while (sqlite3_step(st) == SQLITE_ROW) {
            json_object_begin(&j);
            for (int i = 0; i < 5; i++) {
                json_key_(&j, str_from(names[i]));
                json_str(&j, column(st, i));
            }
            json_object_end(&j);
        }
        json_array_end(&j);
        sqlite3_reset(st);
    }
    double took = (double)(clock_mono_ns() - began) / 1e9;
    printf("{\"reads_per_second\": %.0f}\n", (double)total / took);
    buf_free(&out);
    sqlite3_finalize(st);
    inserter_close(&in);
}

int main(int argc, char **argv)
{
    if (argc < 5 || sodium_init() < 0) {
        fputs("usage: raw_sqlite group|shared|read FOLDER SECONDS ROWS|TENANTS [THREADS]\n",
              stderr);
        return 2;
    }
    double seconds = strtod(argv[3], NULL);
    unsigned n = (unsigned)strtoul(argv[4], NULL, 10);
    if (strcmp(argv[1], "group") == 0)
        run_group(argv[2], seconds, n);
    else if (strcmp(argv[1], "shared") == 0)
        run_shared(argv[2], seconds, n, argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : 16);
    else
        run_read(argv[2], seconds, n);
    return 0;
}
