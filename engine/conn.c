/*
 * Opening, flushing and checkpointing a tenant's database.
 *
 * Each wall stands for itself: the open flags (never create, never follow a
 * link, read-only for readers), SQLite's defensive settings, and an authorizer
 * that refuses ATTACH, most pragmas and functions that reach outside. The set-up
 * pragmas read the schema, so that a damaged file fails here and not later.
 *
 * A connection belongs to one thread at a time. What this file does not do:
 * find out which file a tenant has, or decide when to checkpoint.
 */
#include "engine/conn.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"

/* Pages a connection keeps: readers are many, a writer holds a batch. */
static const char read_setup[] = "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-256;";
static const char write_setup[] =
    "PRAGMA temp_store=MEMORY; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-1024;";

enum { WAL_COPY_BYTES = 1 << 16 };

/* Set around our own pragmas; changing the authorizer instead would have every
 * prepared statement of the connection compiled again. */
static _Thread_local bool trusted;

static void configure_once(void)
{
    /* Without memory statistics no allocation takes a global lock; without a
     * page cache of its own start size an open connection costs half. Another
     * library may have started SQLite before: it works all the same. */
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
    sqlite3_initialize();
}

void conn_global_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure_once);
}

static bool in_list(const char *name, const char *const *list)
{
    for (; *list; list++) {
        if (!sqlite3_stricmp(name, *list))
            return true;
    }
    return false;
}

static int authorize_pragma(const char *name, const char *argument)
{
    static const char *const ask[] = {
        "application_id", "collation_list", "compile_options", "data_version",
        "encoding",       "foreign_keys",   "freelist_count",  "function_list",
        "journal_mode",   "page_count",     "page_size",       "schema_version",
        "synchronous",    "table_list",     "user_version",    NULL};
    static const char *const with_argument[] = {"defer_foreign_keys",
                                                "foreign_key_check",
                                                "foreign_key_list",
                                                "index_info",
                                                "index_list",
                                                "index_xinfo",
                                                "integrity_check",
                                                "quick_check",
                                                "table_info",
                                                "table_list",
                                                "table_xinfo",
                                                "user_version",
                                                NULL};
    if (!name)
        return SQLITE_DENY;
    if (in_list(name, with_argument))
        return SQLITE_OK;
    return !argument && in_list(name, ask) ? SQLITE_OK : SQLITE_DENY;
}

static int authorize(void *ctx, int action, const char *a, const char *b, const char *schema,
                     const char *inner)
{
    static const char *const outside[] = {"load_extension", "fts3_tokenizer", NULL};
    (void)ctx, (void)schema, (void)inner;
    if (trusted)
        return SQLITE_OK;
    switch (action) {
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
        return SQLITE_DENY;
    case SQLITE_PRAGMA:
        return authorize_pragma(a, b);
    case SQLITE_FUNCTION:
        return b && in_list(b, outside) ? SQLITE_DENY : SQLITE_OK;
    default:
        return SQLITE_OK;
    }
}

void conn_authorize(struct conn *c)
{
    sqlite3_set_authorizer(c->db, authorize, NULL);
}

/* SQLite says "unable to open" for much; asking first tells them apart, and
 * keeps an open from waiting on a FIFO. */
static int check_file(const char *path, struct file_id *ret, struct err *e)
{
    struct stat st;
    if (lstat(path, &st) < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return err_set(e, ERR_NOT_FOUND, "%s does not exist", path);
        return err_errno(e, errno, "cannot open %s", path);
    }
    if (S_ISLNK(st.st_mode))
        return err_set(e, ERR_UNUSABLE, "%s is a symbolic link: these are not followed", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_UNUSABLE, "%s is not a regular file", path);
    *ret = (struct file_id){st.st_dev, st.st_ino};
    return 0;
}

/* A file that goes away while it is opened gives SQLite errors of all kinds. */
static bool is_gone(const char *path, struct file_id before)
{
    struct file_id now = {0};
    int rc = path_file_id(path, &now, NULL);
    return rc == ERR_NOT_FOUND || (!rc && !file_id_same(now, before));
}

static int open_error(sqlite3 *db, int sqlite_rc, const char *path, struct err *e)
{
    if ((sqlite_rc & 0xff) == SQLITE_CANTOPEN && db) {
        int os = sqlite3_system_errno(db);
        if (os == EMFILE || os == ENFILE)
            return err_set(e, ERR_BUSY, "cannot open %s: too many files are open", path);
        if (os == EACCES || os == EPERM)
            return err_set(e, ERR_PERMISSION, "cannot open %s: permission denied", path);
    }
    return sql_error(db, sqlite_rc, path, e);
}

static int harden(struct conn *c, int64_t busy_timeout_ms)
{
    static const struct {
        int option, value;
    } options[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
        {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1},
        {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
    };
    int timeout = busy_timeout_ms > INT_MAX ? INT_MAX : (int)busy_timeout_ms;
    int rc = sqlite3_busy_timeout(c->db, timeout);
    for (size_t i = 0; !rc && i < sizeof options / sizeof *options; i++)
        rc = sqlite3_db_config(c->db, options[i].option, options[i].value, (int *)NULL);
    if (!rc)
        sqlite3_wal_autocheckpoint(c->db, 0);
    return rc;
}

static int set_up(struct conn *c, const char *path, enum conn_mode mode, int64_t busy_timeout_ms,
                  struct err *e)
{
    int rc = harden(c, busy_timeout_ms);
    if (!rc)
        rc = sqlite3_exec(c->db, mode == CONN_READ ? read_setup : write_setup, NULL, NULL, NULL);
    if (rc)
        return open_error(c->db, rc, path, e);
    if (mode != CONN_READ && sqlite3_db_readonly(c->db, "main") == 1)
        return err_set(e, access(path, W_OK) < 0 && errno == EROFS ? ERR_READ_ONLY : ERR_PERMISSION,
                       "%s cannot be written", path);
    rc = mode == CONN_WRITE ? conn_use_wal(c, e) : 0;
    if (!rc && sqlite3_set_authorizer(c->db, authorize, NULL))
        rc = err_set(e, ERR_NOMEM, "cannot open %s: memory is out", path);
    return rc;
}

int conn_open(struct conn *c, const char *path, enum conn_mode mode, int64_t busy_timeout_ms,
              struct err *e)
{
    assert(path[0] == '/'); /* "file:..." would be read as a URI */
    conn_global_init();
    struct file_id id = {0};
    int rc = check_file(path, &id, e);
    if (rc)
        return rc;
    struct conn fresh = {0};
    int flags = (mode == CONN_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                SQLITE_OPEN_EXRESCODE;
    int sq = sqlite3_open_v2(path, &fresh.db, flags, NULL);
    rc = sq ? open_error(fresh.db, sq, path, e) : set_up(&fresh, path, mode, busy_timeout_ms, e);
    if (rc) {
        conn_close(&fresh);
        return is_gone(path, id)
                   ? err_set(e, ERR_REPLACED, "%s was removed while it was opened", path)
                   : rc;
    }
    *c = fresh;
    return 0;
}

static int is_wal(void *ret, int n, char **values, char **names)
{
    (void)names;
    *(bool *)ret = n == 1 && values[0] && !strcmp(values[0], "wal");
    return 0;
}

static int run_trusted(struct conn *c, const char *sql,
                       int (*row)(void *ctx, int n, char **values, char **names), void *ctx,
                       struct err *e)
{
    trusted = true;
    int rc = sqlite3_exec(c->db, sql, row, ctx, NULL);
    trusted = false;
    return rc ? sql_error(c->db, rc, sql, e) : 0;
}

int conn_use_wal(struct conn *c, struct err *e)
{
    bool wal = false;
    int rc = run_trusted(c, "PRAGMA journal_mode=WAL", is_wal, &wal, e);
    if (!rc && !wal)
        return err_set(e, ERR_UNUSABLE,
                       "%s cannot be put into WAL mode: its file system may lack shared memory",
                       sqlite3_db_filename(c->db, "main"));
    return rc;
}

int conn_sync_itself(struct conn *c, bool on, struct err *e)
{
    return run_trusted(c, on ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=OFF", NULL, NULL,
                       e);
}

int path_file_id(const char *path, struct file_id *ret, struct err *e)
{
    struct stat st;
    if (lstat(path, &st) < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return err_set(e, ERR_NOT_FOUND, "%s does not exist", path);
        return err_errno(e, errno, "cannot look at %s", path);
    }
    *ret = (struct file_id){st.st_dev, st.st_ino};
    return 0;
}

int conn_file_id(struct conn *c, struct file_id *ret, struct err *e)
{
    const char *path = sqlite3_db_filename(c->db, "main");
    struct file_id id = {0};
    int rc = path_file_id(path, &id, e);
    int moved = 1;
    if (!rc && sqlite3_file_control(c->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved))
        return err_set(e, ERR_INTERNAL, "SQLite cannot tell whether %s was moved", path);
    if (rc == ERR_NOT_FOUND || (!rc && moved))
        return err_set(e, ERR_REPLACED, "%s was removed or replaced while it was open", path);
    if (!rc)
        *ret = id;
    return rc;
}

/* SQLite's own file of the WAL: through it the folder is flushed too when the
 * WAL is new, and no descriptor of ours is opened. */
static sqlite3_file *wal_file(struct conn *c)
{
    sqlite3_file *f = NULL;
    if (sqlite3_file_control(c->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &f) || !f)
        return NULL;
    return f->pMethods ? f : NULL;
}

static int sync_file(sqlite3_file *f)
{
    if (fault_hit(FAULT_IO))
        return SQLITE_IOERR_FSYNC;
    return f->pMethods->xSync(f, SQLITE_SYNC_NORMAL);
}

int conn_flush(struct conn *c, struct err *e)
{
    sqlite3_file *f = wal_file(c);
    if (!f)
        return err_set(e, ERR_INTERNAL, "a connection has no WAL to flush");
    if (sync_file(f))
        return err_set(e, ERR_IO, "cannot flush %s-wal: the disk reported an error",
                       sqlite3_db_filename(c->db, "main"));
    return 0;
}

static int rewrite(sqlite3_file *f, char *copy)
{
    sqlite3_int64 size = 0;
    int rc = f->pMethods->xFileSize(f, &size);
    for (sqlite3_int64 at = 0; !rc && at < size; at += WAL_COPY_BYTES) {
        int n = size - at < WAL_COPY_BYTES ? (int)(size - at) : WAL_COPY_BYTES;
        rc = f->pMethods->xRead(f, copy, n, at);
        if (!rc)
            rc = f->pMethods->xWrite(f, copy, n, at);
    }
    return rc || !size ? rc : sync_file(f);
}

/* While it has the lock for writing, nobody else changes the WAL. */
static int rewrite_locked(struct conn *c, char *copy, struct err *e)
{
    int rc = sqlite3_exec(c->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc)
        return sql_error(c->db, rc, "BEGIN IMMEDIATE", e);
    sqlite3_file *f = wal_file(c);
    rc = f ? rewrite(f, copy) : SQLITE_IOERR;
    sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    if (rc)
        return err_set(e, ERR_IO, "cannot rewrite %s-wal: the disk reported an error",
                       sqlite3_db_filename(c->db, "main"));
    return 0;
}

int conn_adopt_wal(struct conn *c, struct err *e)
{
    char *copy = fault_malloc(WAL_COPY_BYTES);
    int rc = copy ? rewrite_locked(c, copy, e) : err_set(e, ERR_NOMEM, "memory is out");
    free(copy);
    return rc;
}

int conn_checkpoint(struct conn *c, bool truncate, int *ret_left, struct err *e)
{
    int mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    int in_wal = 0, done = 0;
    int rc = sqlite3_wal_checkpoint_v2(c->db, "main", mode, &in_wal, &done);
    /* Somebody who still reads is no error: the rest is for another time. */
    if (rc && (rc & 0xff) != SQLITE_BUSY)
        return sql_error(c->db, rc, "checkpoint", e);
    *ret_left = in_wal > done && done >= 0 ? in_wal - done : 0;
    return 0;
}

void conn_close_tidy(struct conn *c)
{
    if (c->db)
        sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, (int *)NULL);
    conn_close(c);
}
