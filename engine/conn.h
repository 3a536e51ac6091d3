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

/* CONN_WRITE puts the database into WAL mode; CONN_WRITE_AS_IS writes nothing
 * by opening, so that a database which is then refused was not touched. */
enum conn_mode { CONN_READ, CONN_WRITE, CONN_WRITE_AS_IS };

/* Tells SQLite, once a process, how to use memory and locks. conn_open() does
 * it too; whoever uses SQLite before must call it first. Any thread. */
void conn_global_init(void);

/* Opens an existing file by its absolute path. ERR_NOT_FOUND, ERR_CORRUPT,
 * ERR_PERMISSION, ERR_READ_ONLY, ERR_UNUSABLE (a link, a folder), ERR_BUSY
 * (descriptors are out), ERR_REPLACED (removed meanwhile), ERR_IO. A connection
 * belongs to one thread at a time. */
int conn_open(struct conn *c, const char *path, enum conn_mode mode, int64_t busy_timeout_ms,
              struct err *e);

/* Which file a connection has, to tell whether the name still leads to it. */
struct file_id {
    uint64_t device, inode;
};

static inline bool file_id_same(struct file_id a, struct file_id b)
{
    return a.device == b.device && a.inode == b.inode;
}

/* What CONN_WRITE_AS_IS left out. */
int conn_use_wal(struct conn *c, struct err *e);

/* Sets the authorizer that every connection has, after another one was set. */
void conn_authorize(struct conn *c);

/* Of the open connection's file; opens no descriptor: SQLite compares the inode
 * of its own with the name's. ERR_REPLACED where the name leads elsewhere. */
int conn_file_id(struct conn *c, struct file_id *ret, struct err *e);

/* Of the name. ERR_NOT_FOUND. */
int path_file_id(const char *path, struct file_id *ret, struct err *e);

/* Makes what was committed durable: flushes the WAL through SQLite's own file.
 * A failure means that nothing since the last success may be acknowledged and
 * that the connection must be given up: it is never tried again. */
int conn_flush(struct conn *c, struct err *e);

/* Whether SQLite flushes by itself: before and after it copies the WAL into the
 * database, and the first page of a WAL that it begins. Off saves that last one
 * for a WAL that is new and holds nothing, until conn_flush() has flushed all of
 * it; it must be on before a checkpoint. Not inside of a transaction. */
int conn_sync_itself(struct conn *c, bool on, struct err *e);

/* For a WAL that was found, before anything is acknowledged on top of it: its
 * last flush may have failed, and then the kernel holds pages for clean that
 * never reached the disk. Writes each byte again and flushes. */
int conn_adopt_wal(struct conn *c, struct err *e);

/* Copies the WAL into the database, as far as no reader needs it; *ret_left
 * pages remain. `truncate` waits for readers (busy timeout) and empties the
 * file. For the one writer. ERR_IO, ERR_DISK_FULL. */
int conn_checkpoint(struct conn *c, bool truncate, int *ret_left, struct err *e);

/* Closes; the last connection of all processes checkpoints and removes -wal and
 * -shm, where the name still leads to the file. Hold the lock of store_lock.h. */
void conn_close_tidy(struct conn *c);

#endif
