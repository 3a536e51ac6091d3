/*
 * What generated queries stand on.
 *
 * SQL never crosses at run time: every statement is in a `struct sql_module`
 * that sqlgen wrote, has a number there, and is prepared once a connection on
 * first use. A statement that writes takes a `struct write_tx`, one that only
 * reads a `struct reader`: writing through a reader does not compile, and the
 * connection behind a reader is opened read-only besides.
 *
 * A reader or write_tx belongs to the thread that runs the job it was handed
 * to, for as long as the job's function runs.
 */
#ifndef ROWHOUSE_ENGINE_SQL_H
#define ROWHOUSE_ENGINE_SQL_H

#include <sqlite3.h>

#include "base/buf.h"
#include "base/err.h"

struct sql_statement {
    const char *name; /* of the query, for messages */
    const char *text;
    int text_bytes;
    bool writes;
};

enum { SQL_MODULES_MAX = 4 };

struct sql_module {
    const char *name; /* "engine", "app" */
    unsigned slot;    /* 0..SQL_MODULES_MAX-1, one of its own each */
    const struct sql_statement *statements;
    unsigned count;
};

/* A connection with its prepared statements. Reached through reader and
 * write_tx only. */
struct conn {
    sqlite3 *db;
    sqlite3_stmt **stmts[SQL_MODULES_MAX]; /* owned arrays, made on first use */
    unsigned counts[SQL_MODULES_MAX];
};

/* Finalizes the statements and closes db. Takes a half-built one. */
void conn_close(struct conn *c);

/* A snapshot: all that one job reads through it is of one moment. */
struct reader {
    struct conn conn;
};

/* The open write transaction of one job (a savepoint in the batch). Everything
 * that takes a reader can be given &tx->reader, and sees what tx wrote. */
struct write_tx {
    struct reader reader;
};

/* The prepared statement `index`, reset and with no bindings. Not owned.
 * ERR_INTERNAL where it is in use (an iterator over it was not ended);
 * ERR_CORRUPT where the file's schema is not the one it was checked against. */
int sql_prepare(struct conn *c, const struct sql_module *m, unsigned index, sqlite3_stmt **ret,
                struct err *e);

/* Binds a parameter without copying: the bytes must live until sql_reset().
 * An SQLite result code, for sql_error(). NaN is SQLITE_MISMATCH, since SQLite
 * would store NULL. */
int sql_bind_text(sqlite3_stmt *st, int i, struct str v);
int sql_bind_opttext(sqlite3_stmt *st, int i, struct optstr v);
int sql_bind_blob(sqlite3_stmt *st, int i, struct str v);
int sql_bind_optblob(sqlite3_stmt *st, int i, struct optstr v);
int sql_bind_int(sqlite3_stmt *st, int i, int64_t v);
int sql_bind_optint(sqlite3_stmt *st, int i, struct optint v);
int sql_bind_real(sqlite3_stmt *st, int i, double v);
int sql_bind_optreal(sqlite3_stmt *st, int i, struct optreal v);

/* 1: a row; 0: done; negative: the error, with SQLite's text. */
int sql_step(sqlite3_stmt *st, struct err *e);
void sql_reset(sqlite3_stmt *st);

/* A statement that is run row by row. st is NULL where there is nothing more:
 * such a one may be ended again, and its statement is free for others. */
struct sql_rows {
    sqlite3_stmt *st;
    bool waiting; /* a row was stepped to and not yet handed out */
};

/* Steps to the first row, so that what is wrong shows here. */
int sql_rows_begin(struct sql_rows *rows, sqlite3_stmt *st, struct err *e);
int sql_rows_next(struct sql_rows *rows, struct err *e); /* as sql_step */
void sql_rows_end(struct sql_rows *rows);

/* Makes room for one more of n rows in the arena: `rows`, or where they moved
 * to. NULL where memory is out. */
void *sql_rows_grow(struct arena *a, void *rows, size_t n, size_t *cap, size_t row_bytes);

/* Replaces a borrowed value by a copy in the arena. */
int sql_keep(struct arena *a, struct str *v, struct err *e);
int sql_keep_opt(struct arena *a, struct optstr *v, struct err *e);

/* Columns; the bytes live until the next step or reset. The `need` forms
 * answer ERR_CORRUPT where the column is NULL or of another type, the `opt`
 * forms where it is of another type. A whole number is a real, too. */
int sql_need_text(sqlite3_stmt *st, int col, struct str *ret, struct err *e);
int sql_need_blob(sqlite3_stmt *st, int col, struct str *ret, struct err *e);
int sql_need_int(sqlite3_stmt *st, int col, int64_t *ret, struct err *e);
int sql_need_real(sqlite3_stmt *st, int col, double *ret, struct err *e);
int sql_opt_text(sqlite3_stmt *st, int col, struct optstr *ret, struct err *e);
int sql_opt_blob(sqlite3_stmt *st, int col, struct optstr *ret, struct err *e);
int sql_opt_int(sqlite3_stmt *st, int col, struct optint *ret, struct err *e);
int sql_opt_real(sqlite3_stmt *st, int col, struct optreal *ret, struct err *e);

/* Maps an SQLite result code (extended or not) to an enum err_code and says
 * what SQLite said. SQLITE_FULL: ERR_DISK_FULL; READONLY: ERR_READ_ONLY;
 * BUSY, LOCKED: ERR_BUSY; CORRUPT, NOTADB: ERR_CORRUPT; INTERRUPT:
 * ERR_TIMEOUT; CONSTRAINT: ERR_CONFLICT; NOMEM: ERR_NOMEM; IOERR: ERR_IO
 * (or ERR_DISK_FULL, ERR_READ_ONLY where errno says so). */
int sql_error(sqlite3 *db, int sqlite_rc, const char *what, struct err *e);

/* One migration of a tenant's schema, embedded by sqlgen. */
struct migration {
    unsigned version; /* 1, 2, 3 ... without a gap */
    const char *name; /* "0001_items" */
    const char *sql;
    size_t sql_bytes;
    const char *hash; /* 64 hex digits: BLAKE2b-256 of the file */
};

#endif
