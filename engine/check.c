/*
 * Whether a tenant's database is whole: SQLite's own integrity_check, then
 * foreign keys that lead nowhere. Reads one snapshot of the whole file; any
 * thread, also beside a running server.
 */
#include <stdio.h>

#include "engine/store_internal.h"

enum { FINDINGS_MAX = 100 };

struct findings {
    void (*line)(void *ctx, struct str text);
    void *ctx;
    unsigned n;
};

static void report(struct findings *f, struct str text)
{
    f->n++;
    if (f->line)
        f->line(f->ctx, text);
}

static struct str column(sqlite3_stmt *st, int i)
{
    const unsigned char *p = sqlite3_column_text(st, i);
    return p ? str_make((const char *)p, (size_t)sqlite3_column_bytes(st, i)) : STR("?");
}

static void take_integrity(sqlite3_stmt *st, struct findings *f)
{
    struct str text = column(st, 0);
    if (!str_eq(text, STR("ok")))
        report(f, text);
}

static void take_foreign_key(sqlite3_stmt *st, struct findings *f)
{
    char text[256];
    struct str table = column(st, 0), rowid = column(st, 1), parent = column(st, 2);
    snprintf(text, sizeof text, "row %.*s of %.*s leads to no row of %.*s", STR_ARG(rowid),
             STR_ARG(table), STR_ARG(parent));
    report(f, str_from(text));
}

/* Runs one checking pragma. A file that is damaged so badly that it cannot be
 * walked is a finding too. */
static int run(sqlite3 *db, const char *sql, void (*take)(sqlite3_stmt *, struct findings *),
               struct findings *f, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (rc == SQLITE_OK) {
        while ((rc = sqlite3_step(st)) == SQLITE_ROW && f->n < FINDINGS_MAX)
            take(st, f);
    }
    int result = 0;
    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        result = sql_error(db, rc, "cannot check", e);
    sqlite3_finalize(st);
    return result;
}

static int refuse(const struct tenant_name *t, unsigned n, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "the database of tenant %s is damaged: %u finding%s", t->s, n,
                   n == 1 ? "" : "s");
}

int store_check(struct store *s, const struct tenant_name *t,
                void (*line)(void *ctx, struct str text), void *ctx, struct err *e)
{
    struct findings f = {.line = line, .ctx = ctx};
    struct err why = ERR_INIT;
    struct store_conn c;
    int rc = store_conn_open(s, t, CONN_READ, &c, &why);
    if (!rc) {
        sqlite3 *db = c.reader.conn.db;
        rc = store_exec(&c.reader.conn, "BEGIN", "cannot check", &why);
        if (!rc)
            rc = run(db, "PRAGMA integrity_check", take_integrity, &f, &why);
        if (!rc)
            rc = run(db, "PRAGMA foreign_key_check", take_foreign_key, &f, &why);
        store_conn_close(s, &c);
    }
    if (rc == ERR_NOT_FOUND)
        return err_set(e, rc, "there is no tenant %s", t->s);
    if (rc == ERR_CORRUPT)
        report(&f, str_from(why.text));
    else if (rc)
        return err_set(e, why.code, "%s", why.text);
    return f.n ? refuse(t, f.n, e) : 0;
}
