/*
 * The writing connection: how it is opened, checked and closed.
 *
 * The names of the three files are compared with what was opened before a
 * write is acknowledged: nothing is acknowledged into a file, or a WAL, that
 * somebody removed. The tenant's owner only.
 */
#include "engine/writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "engine/engine_internal.h"
#include "engine/migrate.h"
#include "engine/store_lock.h"

enum { PROGRESS_OPS = 4000, CHECKPOINT_PAGES = 1000, TRUNCATE_PAGES = 16000 };

METRIC_DEFINE(metric_flushes, METRIC_HISTOGRAM, "rowhouse_flush_seconds", NULL,
              "Time to flush a WAL to the disk.");
METRIC_DEFINE(metric_checkpoints, METRIC_HISTOGRAM, "rowhouse_checkpoint_seconds", NULL,
              "Time to copy a WAL into its database.");

static struct conn *conn_of(struct writer *w)
{
    return &w->cx.tx.reader.conn;
}

static int on_commit(void *ctx, sqlite3 *db, const char *schema, int pages)
{
    struct writer *w = ctx;
    (void)db, (void)schema;
    w->wal_pages = pages;
    return SQLITE_OK;
}

static int on_progress(void *ctx)
{
    struct writer *w = ctx;
    return w->deadline_ns && clock_mono_ns() > w->deadline_ns;
}

/* A file of no bytes is a database to SQLite; to us it is damage. */
static int check_size(const char *path, struct err *e)
{
    struct stat st;
    if (stat(path, &st) == 0 && st.st_size == 0)
        return err_set(e, ERR_CORRUPT, "%s is empty: not a database", path);
    return 0;
}

/* When the file was made; 0 where the file system does not say. */
static int64_t made_ns(const char *path)
{
    struct statx st;
    if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &st) < 0 ||
        !(st.stx_mask & STATX_BTIME))
        return 0;
    return st.stx_btime.tv_sec * NS_PER_S + st.stx_btime.tv_nsec;
}

static int open_file(struct engine *en, struct writer *w, const char *path, struct err *e)
{
    int rc = conn_open(conn_of(w), path, CONN_WRITE_AS_IS, en->config.busy_timeout_ms, e);
    if (rc)
        return rc;
    atomic_fetch_add(&en->connections, 1);
    rc = check_size(path, e);
    if (!rc)
        rc = conn_file_id(conn_of(w), &w->file, e);
    w->source = (struct feed_source){w->file.inode, made_ns(path)};
    return rc;
}

static int open_locked(struct engine *en, const struct tenant_name *name, struct writer *w,
                       struct err *e)
{
    char path[4096];
    int handle = -1;
    store_file(en->store, name, path);
    int rc = store_ddl_lock(en->store, false, &handle, e);
    if (rc)
        return rc;
    rc = open_file(en, w, path, e);
    store_ddl_unlock(en->store, handle);
    return rc;
}

int writer_open(struct engine *en, const struct tenant_name *name, bool made, struct writer **ret,
                unsigned *ret_pending, struct err *e)
{
    struct writer *w = fault_calloc(1, sizeof *w);
    if (!w)
        return err_set(e, ERR_NOMEM, "memory is out");
    w->cx.ids = &w->ids;
    w->checkpoint_at = CHECKPOINT_PAGES;
    int rc = open_locked(en, name, w, e);
    if (!rc && !made)
        rc = migrate_verify(&w->cx.tx.reader, &en->config.app, ret_pending, e);
    if (rc) {
        writer_close(en, w, false);
        return rc;
    }
    *ret = w;
    return 0;
}

/* Where the file was not in WAL mode before, its WAL appears at a first read. */
static int find_wal(struct writer *w, int64_t *ret_bytes, struct err *e)
{
    sqlite3 *db = conn_of(w)->db;
    const char *path = sqlite3_db_filename(db, "main");
    char shm[4096 + 8];
    struct stat st;
    snprintf(shm, sizeof shm, "%s-shm", path);
    int rc = path_file_id(shm, &w->shm, e);
    if (rc == ERR_NOT_FOUND &&
        sqlite3_exec(db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL) == SQLITE_OK)
        rc = path_file_id(shm, &w->shm, e);
    if (!rc && stat(sqlite3_filename_wal(path), &st) < 0)
        rc = err_errno(e, errno, "cannot look at %s-wal", path);
    if (rc)
        return rc == ERR_NOT_FOUND ? err_set(e, ERR_REPLACED, "%s-shm was removed", path) : rc;
    w->wal = (struct file_id){st.st_dev, st.st_ino};
    *ret_bytes = st.st_size;
    return 0;
}

static int tell_app(struct engine *en, struct writer *w, struct err *e)
{
    if (!en->config.app.on_open)
        return 0;
    rfc3339_format(clock_real_ns(), w->cx.now);
    return en->config.app.on_open(&w->cx.tx, &w->ids, e);
}

static int wal_is_new(struct writer *w, bool is_new, struct err *e)
{
    int rc = is_new == w->wal_is_new ? 0 : conn_sync_itself(conn_of(w), !is_new, e);
    if (!rc)
        w->wal_is_new = is_new;
    return rc;
}

int writer_prepare(struct engine *en, struct writer *w, unsigned pending, struct err *e)
{
    int64_t wal_bytes = 0;
    struct migrate_result result;
    int rc = pending ? migrate_apply(conn_of(w), &en->config.app, &result, e) : 0;
    if (!rc)
        rc = conn_use_wal(conn_of(w), e);
    if (!rc)
        rc = find_wal(w, &wal_bytes, e);
    if (!rc && wal_bytes > 0)
        rc = conn_adopt_wal(conn_of(w), e);
    else if (!rc)
        rc = wal_is_new(w, true, e);
    if (!rc)
        rc = tell_app(en, w, e);
    if (rc)
        return rc;
    sqlite3_wal_hook(conn_of(w)->db, on_commit, w);
    sqlite3_progress_handler(conn_of(w)->db, PROGRESS_OPS, on_progress, w);
    return 0;
}

int writer_flush(struct writer *w, struct err *e)
{
    int64_t start_ns = clock_mono_ns();
    int rc = conn_flush(conn_of(w), e);
    metric_observe_ns(&metric_flushes, clock_mono_ns() - start_ns);
    /* What was flushed is durable whether or not SQLite takes over from here: it
     * must before the next checkpoint. */
    if (!rc)
        (void)wal_is_new(w, false, NULL);
    return rc;
}

int writer_checkpoint(struct writer *w, struct err *e)
{
    if (w->wal_pages < w->checkpoint_at)
        return 0;
    int64_t start_ns = clock_mono_ns();
    int left = 0;
    int rc = wal_is_new(w, false, e);
    if (!rc)
        rc = conn_checkpoint(conn_of(w), w->wal_pages >= TRUNCATE_PAGES, &left, e);
    metric_observe_ns(&metric_checkpoints, clock_mono_ns() - start_ns);
    /* Readers held it up, or the disk is full: again after as many pages more. */
    w->checkpoint_at = rc || left ? w->wal_pages + CHECKPOINT_PAGES : CHECKPOINT_PAGES;
    if (!rc && !left)
        w->wal_pages = 0;
    return rc == ERR_DISK_FULL ? 0 : rc;
}

void writer_close(struct engine *en, struct writer *w, bool tidy)
{
    if (!w)
        return;
    for (size_t i = 0; i < WRITER_STATEMENTS; i++)
        sqlite3_finalize(w->statements[i]);
    if (conn_of(w)->db)
        atomic_fetch_sub(&en->connections, 1);
    int handle = -1;
    /* Without the lock nothing may be unlinked by name, and without flushes
     * nothing may be copied. */
    if (tidy && wal_is_new(w, false, NULL) == 0 &&
        store_ddl_lock(en->store, false, &handle, NULL) == 0) {
        conn_close_tidy(conn_of(w));
        store_ddl_unlock(en->store, handle);
    } else {
        conn_close(conn_of(w));
    }
    free(w);
}

int writer_check_files(struct writer *w, struct err *e)
{
    const char *path = sqlite3_db_filename(conn_of(w)->db, "main");
    struct file_id file = {0}, wal = {0};
    int rc = path_file_id(path, &file, e);
    if (!rc)
        rc = path_file_id(sqlite3_filename_wal(path), &wal, e);
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    if (!rc && file_id_same(file, w->file) && file_id_same(wal, w->wal))
        return 0;
    return err_set(e, ERR_REPLACED, "the tenant's file was removed or replaced");
}

static int remove_if_ours(const char *path, const char *ending, struct file_id ours, struct err *e)
{
    char name[4096 + 8];
    struct file_id now = {0};
    snprintf(name, sizeof name, "%s%s", path, ending);
    int rc = path_file_id(name, &now, e);
    if (rc)
        return rc == ERR_NOT_FOUND ? 0 : rc;
    if (file_id_same(now, ours) && unlink(name) < 0 && errno != ENOENT)
        return err_errno(e, errno, "cannot remove %s", name);
    return 0;
}

static int remove_orphans(struct engine *en, const char *path, const struct writer *w,
                          struct err *e)
{
    int handle = -1;
    int rc = store_ddl_lock(en->store, true, &handle, e);
    if (rc)
        return rc;
    rc = remove_if_ours(path, "-wal", w->wal, e);
    if (!rc)
        rc = remove_if_ours(path, "-shm", w->shm, e);
    store_ddl_unlock(en->store, handle);
    return rc;
}

int writer_leave(struct engine *en, const struct tenant_name *name, struct writer *w, struct err *e)
{
    char path[4096];
    struct file_id now = {0};
    store_file(en->store, name, path);
    int rc = path_file_id(path, &now, e);
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    if (rc || !file_id_same(now, w->file))
        return remove_orphans(en, path, w, e);
    int left = 0;
    rc = wal_is_new(w, false, e);
    if (!rc)
        rc = conn_checkpoint(conn_of(w), false, &left, e);
    return rc || !left ? rc : err_set(e, ERR_BUSY, "somebody still reads the removed WAL");
}
