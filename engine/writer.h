/*
 * The one writer of a tenant: takes all jobs that wait, runs each in a
 * savepoint of one transaction, commits and flushes once, then answers all.
 * For the tenant's owner.
 */
#ifndef ROWHOUSE_ENGINE_WRITER_H
#define ROWHOUSE_ENGINE_WRITER_H

#include "engine/feed.h"
#include "engine/tenant.h"
#include "engine/tx.h"

enum writer_statement {
    WRITER_BEGIN,
    WRITER_COMMIT,
    WRITER_ROLLBACK,
    WRITER_SAVEPOINT,
    WRITER_RELEASE,
    WRITER_ROLLBACK_TO,
    WRITER_STATEMENTS
};

struct writer {
    struct tx_context cx; /* its conn is the writer's connection */
    struct uuid_gen ids;
    sqlite3_stmt *statements[WRITER_STATEMENTS]; /* owned, prepared on first use */
    struct file_id file, wal, shm;               /* wal, shm: 0 until they are known */
    struct feed_source source;                   /* the same file, for the feed */
    int wal_pages;                               /* said by SQLite after each commit */
    int checkpoint_at;                           /* pages */
    int64_t deadline_ns;                         /* of the job that runs; 0: none */
    bool wal_is_new;                             /* see conn_sync_itself() */
};

/* Opens the tenant's file, checks its schema and says how many migrations are
 * pending; writes nothing yet. `made`: the store has just made it. */
int writer_open(struct engine *en, const struct tenant_name *name, bool made, struct writer **ret,
                unsigned *ret_pending, struct err *e);

/* Migrates where `pending`, makes the connection ready for jobs. */
int writer_prepare(struct engine *en, struct writer *w, unsigned pending, struct err *e);

/* Flushes what was committed. A failure is final: see conn_flush(). */
int writer_flush(struct writer *w, struct err *e);

/* Closes; NULL and half-opened ones are allowed. `tidy`: see conn_close_tidy(). */
void writer_close(struct engine *en, struct writer *w, bool tidy);

/*
 * Before a file that was removed or replaced is let go: what it leaves behind
 * must not be taken for its successor's. Removes -wal and -shm where they are
 * still those of the writer's file and the name leads to another; takes the
 * store's lock. Where only the WAL was taken away, what it holds is copied into
 * the database, which is still ours.
 */
int writer_leave(struct engine *en, const struct tenant_name *name, struct writer *w,
                 struct err *e);

/* Copies the WAL into the database where it has grown enough. */
int writer_checkpoint(struct writer *w, struct err *e);

/* ERR_REPLACED where the names of the database or its WAL lead elsewhere. */
int writer_check_files(struct writer *w, struct err *e);

#endif
