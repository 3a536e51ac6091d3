/*
 * Opening a tenant's database: the one place that says with which flags.
 *
 * A connection never follows a symbolic link, loads an extension, attaches a
 * file or trusts the schema; a reading one is opened read-only. Nothing is
 * checkpointed or unlinked by closing it (the one writer decides that), and
 * no descriptor of our own is ever opened on a database in use, since closing
 * it would drop SQLite's POSIX locks.
 */
#ifndef ROWHOUSE_ENGINE_CONN_H
#define ROWHOUSE_ENGINE_CONN_H

#include "engine/sql.h"

enum conn_mode { CONN_READ, CONN_WRITE };

/* Opens an existing file. ERR_NOT_FOUND, ERR_CORRUPT, ERR_PERMISSION, ERR_IO.
 * A connection belongs to one thread at a time. */
int conn_open(struct conn *c, const char *path, enum conn_mode mode, int64_t busy_timeout_ms,
              struct err *e);

/* Which file a connection has, to tell whether the name still leads to it. */
struct file_id {
    uint64_t device, inode;
};

/* Of the open connection's file (asks SQLite for its descriptor, opens none). */
int conn_file_id(struct conn *c, struct file_id *ret, struct err *e);

/* Of the name. ERR_NOT_FOUND. */
int path_file_id(const char *path, struct file_id *ret, struct err *e);

/* Makes what was committed durable: flushes the WAL through SQLite's own file.
 * A failure means that nothing since the last success may be acknowledged and
 * that the connection must be given up: it is never tried again. */
int conn_flush(struct conn *c, struct err *e);

#endif
