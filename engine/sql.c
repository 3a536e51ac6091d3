/*
 * The run time of generated queries: statement cache, bindings, columns, and
 * the one place where SQLite's result codes become ours.
 *
 * The statements of a connection are kept in one array a module, prepared on
 * first use and finalized with the connection. Values are checked on the way
 * in and out against what sqlgen promised: a file whose schema or content is
 * not what the program was built for gives ERR_CORRUPT, never a NULL pointer.
 *
 * Threads: a connection has one user at a time; nothing here locks.
 */
#include "engine/sql.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/fault.h"

/* Up to here a double holds every integer. */
#define MAX_EXACT_INTEGER (INT64_C(1) << 53)

static int code_of_errno(int errno_value)
{
    switch (errno_value) {
    case ENOSPC:
    case EDQUOT:
        return ERR_DISK_FULL;
    case EROFS:
        return ERR_READ_ONLY;
    case EACCES:
    case EPERM:
        return ERR_PERMISSION;
    case ENOMEM:
        return ERR_NOMEM;
    default:
        return ERR_IO;
    }
}

static int code_of_sqlite(sqlite3 *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ERR_DISK_FULL;
    case SQLITE_READONLY:
        return ERR_READ_ONLY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
        return ERR_CORRUPT;
    case SQLITE_INTERRUPT:
        return ERR_TIMEOUT;
    case SQLITE_CONSTRAINT:
        return ERR_CONFLICT;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_TOOBIG:
        return ERR_TOO_LARGE;
    case SQLITE_MISMATCH:
        return ERR_INVALID;
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return ERR_PERMISSION;
    case SQLITE_IOERR:
        if (rc == SQLITE_IOERR_NOMEM)
            return ERR_NOMEM;
        return code_of_errno(db ? sqlite3_system_errno(db) : 0);
    case SQLITE_CANTOPEN:
        return code_of_errno(db ? sqlite3_system_errno(db) : 0);
    default:
        return ERR_INTERNAL;
    }
}

int sql_error(sqlite3 *db, int sqlite_rc, const char *what, struct err *e)
{
    bool last = db && (sqlite3_errcode(db) & 0xff) == (sqlite_rc & 0xff);
    return err_set(e, code_of_sqlite(db, sqlite_rc), "%s: %s", what,
                   last ? sqlite3_errmsg(db) : sqlite3_errstr(sqlite_rc));
}

void conn_close(struct conn *c)
{
    if (!c)
        return;
    for (unsigned slot = 0; slot < SQL_MODULES_MAX; slot++) {
        for (unsigned i = 0; c->stmts[slot] && i < c->counts[slot]; i++)
            sqlite3_finalize(c->stmts[slot][i]);
        free(c->stmts[slot]);
    }
    sqlite3_close_v2(c->db);
    *c = (struct conn){NULL, {NULL}, {0}};
}

/* The module's array of statements on this connection. */
static sqlite3_stmt **statements_of(struct conn *c, const struct sql_module *m)
{
    assert(m->slot < SQL_MODULES_MAX);
    if (!c->stmts[m->slot]) {
        if (fault_hit(FAULT_ALLOC))
            return NULL;
        c->stmts[m->slot] = calloc(m->count, sizeof(sqlite3_stmt *));
        if (c->stmts[m->slot])
            c->counts[m->slot] = m->count;
    } else {
        assert(c->counts[m->slot] == m->count); /* two modules in one slot */
    }
    return c->stmts[m->slot];
}

/* SQLite has one code for every mistake in a statement. sqlgen has prepared
 * each of them, so here the schema is what is wrong. */
static int schema_error(sqlite3 *db, int rc, const char *name, struct err *e)
{
    if (rc != SQLITE_ERROR)
        return sql_error(db, rc, name, e);
    return err_set(e, ERR_CORRUPT, "%s: the schema is not the expected one: %s", name,
                   sqlite3_errmsg(db));
}

int sql_prepare(struct conn *c, const struct sql_module *m, unsigned index, sqlite3_stmt **ret,
                struct err *e)
{
    assert(index < m->count);
    const struct sql_statement *s = &m->statements[index];
    sqlite3_stmt **stmts = statements_of(c, m);
    if (!stmts)
        return err_set(e, ERR_NOMEM, "%s: out of memory", s->name);
    if (!stmts[index]) {
        int rc = sqlite3_prepare_v3(c->db, s->text, s->text_bytes, SQLITE_PREPARE_PERSISTENT,
                                    &stmts[index], NULL);
        if (rc != SQLITE_OK)
            return schema_error(c->db, rc, s->name, e);
    } else if (sqlite3_stmt_busy(stmts[index])) {
        return err_set(e, ERR_INTERNAL, "%s: is still being read on this connection", s->name);
    }
    sqlite3_reset(stmts[index]);
    sqlite3_clear_bindings(stmts[index]);
    *ret = stmts[index];
    return 0;
}

int sql_bind_text(sqlite3_stmt *st, int i, struct str v)
{
    return sqlite3_bind_text64(st, i, v.p ? v.p : "", v.n, SQLITE_STATIC, SQLITE_UTF8);
}

int sql_bind_opttext(sqlite3_stmt *st, int i, struct optstr v)
{
    return sqlite3_bind_text64(st, i, v.p, v.n, SQLITE_STATIC, SQLITE_UTF8);
}

int sql_bind_blob(sqlite3_stmt *st, int i, struct str v)
{
    return sqlite3_bind_blob64(st, i, v.p ? v.p : "", v.n, SQLITE_STATIC);
}

int sql_bind_optblob(sqlite3_stmt *st, int i, struct optstr v)
{
    return sqlite3_bind_blob64(st, i, v.p, v.n, SQLITE_STATIC);
}

int sql_bind_int(sqlite3_stmt *st, int i, int64_t v)
{
    return sqlite3_bind_int64(st, i, v);
}

int sql_bind_optint(sqlite3_stmt *st, int i, struct optint v)
{
    return v.some ? sqlite3_bind_int64(st, i, v.v) : sqlite3_bind_null(st, i);
}

int sql_bind_real(sqlite3_stmt *st, int i, double v)
{
    return isnan(v) ? SQLITE_MISMATCH : sqlite3_bind_double(st, i, v);
}

int sql_bind_optreal(sqlite3_stmt *st, int i, struct optreal v)
{
    return v.some ? sql_bind_real(st, i, v.v) : sqlite3_bind_null(st, i);
}

/* Whether the statement still fits the schema; SQLite prepares it again by
 * itself after a change, and reports a mistake as it reports any other. */
static bool still_prepares(sqlite3 *db, const char *text)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, text, -1, &st, NULL);
    sqlite3_finalize(st);
    return rc != SQLITE_ERROR;
}

int sql_step(sqlite3_stmt *st, struct err *e)
{
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        return 1;
    if (rc == SQLITE_DONE)
        return 0;
    sqlite3 *db = sqlite3_db_handle(st);
    rc = sqlite3_extended_errcode(db);
    int code = sql_error(db, rc, "query", e);
    if (rc == SQLITE_ERROR && !still_prepares(db, sqlite3_sql(st)))
        code = schema_error(db, rc, "query", e);
    return code;
}

void sql_reset(sqlite3_stmt *st)
{
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
}

int sql_rows_begin(struct sql_rows *rows, sqlite3_stmt *st, struct err *e)
{
    int rc = sql_step(st, e);
    *rows = (struct sql_rows){rc > 0 ? st : NULL, rc > 0};
    if (rc <= 0)
        sql_reset(st);
    return rc < 0 ? rc : 0;
}

int sql_rows_next(struct sql_rows *rows, struct err *e)
{
    if (!rows->st)
        return 0;
    int rc = rows->waiting ? 1 : sql_step(rows->st, e);
    rows->waiting = false;
    if (rc <= 0)
        sql_rows_end(rows);
    return rc;
}

void sql_rows_end(struct sql_rows *rows)
{
    if (rows->st)
        sql_reset(rows->st);
    *rows = (struct sql_rows){NULL, false};
}

void *sql_rows_grow(struct arena *a, void *rows, size_t n, size_t *cap, size_t row_bytes)
{
    size_t more;
    size_t want = *cap ? 2 * *cap : 16;
    if (n < *cap)
        return rows;
    if (__builtin_mul_overflow(want, row_bytes, &more))
        return NULL;
    void *moved = arena_alloc(a, more);
    if (!moved)
        return NULL;
    if (n)
        memcpy(moved, rows, n * row_bytes);
    *cap = want;
    return moved;
}

int sql_keep(struct arena *a, struct str *v, struct err *e)
{
    struct str copy = arena_copy(a, *v);
    if (!copy.p)
        return err_set(e, ERR_NOMEM, "out of memory");
    *v = copy;
    return 0;
}

int sql_keep_opt(struct arena *a, struct optstr *v, struct err *e)
{
    struct str copy = {v->p, v->n};
    int rc = v->p ? sql_keep(a, &copy, e) : 0;
    if (!rc)
        *v = (struct optstr){copy.p, copy.n};
    return rc;
}

static const char *type_name(int type)
{
    static const char *const names[] = {"?", "an integer", "a real", "text", "a blob", "NULL"};
    return names[type >= SQLITE_INTEGER && type <= SQLITE_NULL ? type : 0];
}

/* 0 where the value is of the type; where NULL is allowed, 1 for that. */
static int check_type(sqlite3_stmt *st, int col, int want, bool opt, struct err *e)
{
    int type = sqlite3_column_type(st, col);
    if (type == want)
        return 0;
    if (type == SQLITE_NULL && opt)
        return 1;
    const char *name = sqlite3_column_name(st, col);
    return err_set(e, ERR_CORRUPT, "column '%s' is %s where %s is expected", name ? name : "?",
                   type_name(type), type_name(want));
}

/* The bytes of a text or blob; where there are none SQLite gives NULL for an
 * empty blob and for memory that is out. */
static int column_bytes(sqlite3_stmt *st, int col, bool text, struct str *ret, struct err *e)
{
    const char *p =
        text ? (const char *)sqlite3_column_text(st, col) : sqlite3_column_blob(st, col);
    if (!p && sqlite3_errcode(sqlite3_db_handle(st)) == SQLITE_NOMEM)
        return err_set(e, ERR_NOMEM, "out of memory");
    *ret = (struct str){p ? p : "", p ? (size_t)sqlite3_column_bytes(st, col) : 0};
    return 0;
}

int sql_need_text(sqlite3_stmt *st, int col, struct str *ret, struct err *e)
{
    int rc = check_type(st, col, SQLITE_TEXT, false, e);
    return rc ? rc : column_bytes(st, col, true, ret, e);
}

int sql_need_blob(sqlite3_stmt *st, int col, struct str *ret, struct err *e)
{
    int rc = check_type(st, col, SQLITE_BLOB, false, e);
    return rc ? rc : column_bytes(st, col, false, ret, e);
}

int sql_need_int(sqlite3_stmt *st, int col, int64_t *ret, struct err *e)
{
    int rc = check_type(st, col, SQLITE_INTEGER, false, e);
    if (!rc)
        *ret = sqlite3_column_int64(st, col);
    return rc;
}

/* As check_type(), and the value. SQLite stores whole numbers of a REAL column
 * as integers; 3.40.1 forgets to convert them back in RETURNING and in GROUP BY
 * with a correlated sub-query (found by test_sqlgen_null.c). So an integer that
 * a double holds exactly is a real. */
static int check_real(sqlite3_stmt *st, int col, bool opt, double *ret, struct err *e)
{
    if (sqlite3_column_type(st, col) == SQLITE_INTEGER) {
        int64_t whole = sqlite3_column_int64(st, col);
        if (whole >= -MAX_EXACT_INTEGER && whole <= MAX_EXACT_INTEGER) {
            *ret = (double)whole;
            return 0;
        }
    }
    int rc = check_type(st, col, SQLITE_FLOAT, opt, e);
    if (!rc)
        *ret = sqlite3_column_double(st, col);
    return rc;
}

int sql_need_real(sqlite3_stmt *st, int col, double *ret, struct err *e)
{
    return check_real(st, col, false, ret, e);
}

static int opt_bytes(sqlite3_stmt *st, int col, bool text, struct optstr *ret, struct err *e)
{
    struct str v = {NULL, 0};
    int rc = check_type(st, col, text ? SQLITE_TEXT : SQLITE_BLOB, true, e);
    if (rc == 0)
        rc = column_bytes(st, col, text, &v, e);
    if (rc < 0)
        return rc;
    *ret = rc ? optstr_none() : optstr_some(v);
    return 0;
}

int sql_opt_text(sqlite3_stmt *st, int col, struct optstr *ret, struct err *e)
{
    return opt_bytes(st, col, true, ret, e);
}

int sql_opt_blob(sqlite3_stmt *st, int col, struct optstr *ret, struct err *e)
{
    return opt_bytes(st, col, false, ret, e);
}

int sql_opt_int(sqlite3_stmt *st, int col, struct optint *ret, struct err *e)
{
    int rc = check_type(st, col, SQLITE_INTEGER, true, e);
    if (rc < 0)
        return rc;
    *ret = rc ? (struct optint){false, 0} : (struct optint){true, sqlite3_column_int64(st, col)};
    return 0;
}

int sql_opt_real(sqlite3_stmt *st, int col, struct optreal *ret, struct err *e)
{
    double v = 0;
    int rc = check_real(st, col, true, &v, e);
    if (rc < 0)
        return rc;
    *ret = (struct optreal){rc == 0, v};
    return 0;
}
