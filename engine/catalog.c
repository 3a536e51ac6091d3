/*
 * The index of all tenants' names, and their remembered summaries.
 *
 * An in-memory SQLite table whose key is the name, so pages and prefixes are
 * ranges of its B-tree. SQLite compares text as bytes, as names are ordered.
 * A name consists of few ASCII characters, all below '\x7f', which therefore
 * ends every range.
 *
 * Threads: every function may be called from any thread; one mutex guards the
 * connection, held for microseconds, and for at most SCAN_SLICE names while
 * the folder is read again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fault.h"
#include "engine/catalog_internal.h"

static const char schema[] = "CREATE TABLE tenant ("
                             " name TEXT NOT NULL PRIMARY KEY,"
                             " scan INTEGER NOT NULL,"
                             " stamp BLOB,"
                             " rows INTEGER,"
                             " last_activity TEXT,"
                             " created_at TEXT"
                             ") STRICT, WITHOUT ROWID";

static const char *const texts[CATALOG_STATEMENTS] = {
    [CATALOG_ADD] = "INSERT OR IGNORE INTO tenant (name, scan) VALUES (?1, ?2)",
    [CATALOG_MARK] = "UPDATE tenant SET scan = ?2 WHERE name = ?1",
    [CATALOG_REMOVE] = "DELETE FROM tenant WHERE name = ?1",
    [CATALOG_HAS] = "SELECT 1 FROM tenant WHERE name = ?1",
    [CATALOG_FROM] = "SELECT name FROM tenant WHERE name >= ?1 AND name < ?2"
                     " ORDER BY name LIMIT ?3",
    [CATALOG_AFTER] = "SELECT name FROM tenant WHERE name > ?1 AND name < ?2"
                      " ORDER BY name LIMIT ?3",
    [CATALOG_SUMMARY_GET] = "SELECT stamp, rows, last_activity, created_at"
                            " FROM tenant WHERE name = ?1 AND stamp IS NOT NULL",
    [CATALOG_SUMMARY_PUT] = "UPDATE tenant SET stamp = ?2, rows = ?3, last_activity = ?4,"
                            " created_at = ?5 WHERE name = ?1",
    [CATALOG_FORGET] = "DELETE FROM tenant WHERE scan < ?1",
};

static int open_index(struct catalog *c, struct err *e)
{
    conn_global_init();
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(":memory:", &c->db, flags, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(c->db, "PRAGMA journal_mode = MEMORY", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(c->db, schema, NULL, NULL, NULL);
    for (int i = 0; rc == SQLITE_OK && i < CATALOG_STATEMENTS; i++)
        rc = sqlite3_prepare_v3(c->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &c->statements[i],
                                NULL);
    return rc == SQLITE_OK ? 0 : sql_error(c->db, rc, "cannot make the index of tenants", e);
}

int catalog_open(struct store *s, struct catalog **ret, struct err *e)
{
    struct catalog *c = fault_calloc(1, sizeof *c);
    if (!c)
        return err_set(e, ERR_NOMEM, "out of memory");
    c->store = s;
    c->notify = c->stop = -1;
    pthread_mutex_init(&c->lock, NULL);
    int rc = open_index(c, e);
    if (!rc)
        rc = catalog_watch_start(c, e);
    if (rc) {
        catalog_close(c);
        return rc;
    }
    *ret = c;
    return 0;
}

void catalog_close(struct catalog *c)
{
    if (!c)
        return;
    catalog_watch_stop(c);
    for (int i = 0; i < CATALOG_STATEMENTS; i++)
        sqlite3_finalize(c->statements[i]);
    sqlite3_close(c->db);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static sqlite3_stmt *with_name_locked(struct catalog *c, enum catalog_statement which,
                                      const struct tenant_name *t)
{
    sqlite3_stmt *st = c->statements[which];
    sqlite3_bind_text(st, 1, t->s, t->n, SQLITE_STATIC);
    return st;
}

/* Runs to the end a statement that gives no rows. */
static int finish_locked(struct catalog *c, sqlite3_stmt *st, struct err *e)
{
    int rc = sqlite3_step(st);
    int result = rc == SQLITE_DONE ? 0 : sql_error(c->db, rc, "index of tenants", e);
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
    return result;
}

static int has_locked(struct catalog *c, const struct tenant_name *t, bool *ret, struct err *e)
{
    sqlite3_stmt *st = with_name_locked(c, CATALOG_HAS, t);
    int rc = sqlite3_step(st);
    int result = 0;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        *ret = rc == SQLITE_ROW;
    else
        result = sql_error(c->db, rc, "index of tenants", e);
    sqlite3_reset(st);
    return result;
}

static int put_locked(struct catalog *c, const struct tenant_name *t, struct err *e)
{
    sqlite3_stmt *st = with_name_locked(c, CATALOG_ADD, t);
    sqlite3_bind_int64(st, 2, c->scan);
    int rc = finish_locked(c, st, e);
    if (rc)
        return rc;
    if (sqlite3_changes64(c->db)) {
        c->size++;
        return 0;
    }
    st = with_name_locked(c, CATALOG_MARK, t);
    sqlite3_bind_int64(st, 2, c->scan);
    return finish_locked(c, st, e);
}

static int remove_locked(struct catalog *c, const struct tenant_name *t, struct err *e)
{
    int rc = finish_locked(c, with_name_locked(c, CATALOG_REMOVE, t), e);
    if (!rc)
        c->size -= sqlite3_changes64(c->db);
    return rc;
}

int catalog_put(struct catalog *c, const struct tenant_name *t, struct err *e)
{
    pthread_mutex_lock(&c->lock);
    int rc = put_locked(c, t, e);
    pthread_mutex_unlock(&c->lock);
    return rc;
}

int catalog_remove(struct catalog *c, const struct tenant_name *t, struct err *e)
{
    pthread_mutex_lock(&c->lock);
    int rc = remove_locked(c, t, e);
    pthread_mutex_unlock(&c->lock);
    return rc;
}

bool catalog_contains(struct catalog *c, const struct tenant_name *t)
{
    bool has = false;
    pthread_mutex_lock(&c->lock);
    has_locked(c, t, &has, NULL);
    pthread_mutex_unlock(&c->lock);
    return has;
}

int64_t catalog_size(struct catalog *c)
{
    pthread_mutex_lock(&c->lock);
    int64_t size = c->size;
    pthread_mutex_unlock(&c->lock);
    return size;
}

/* Looks while it holds the lock: whoever makes a file puts its name after
 * that, so a look from before can not undo the put. */
int catalog_look(struct catalog *c, const struct tenant_name *t)
{
    char name[STORE_FILE_BYTES];
    struct stat st;
    int rc = 0;
    store_file_name(t, ".db", name);
    pthread_mutex_lock(&c->lock);
    bool is = fstatat(c->store->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (is && (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)))
        rc = put_locked(c, t, NULL);
    else if (!is)
        rc = errno == ENOENT ? remove_locked(c, t, NULL) : ERR_IO;
    pthread_mutex_unlock(&c->lock);
    return rc;
}

int catalog_put_many(struct catalog *c, const struct tenant_name *names, size_t n, struct err *e)
{
    pthread_mutex_lock(&c->lock);
    sqlite3_exec(c->db, "BEGIN", NULL, NULL, NULL);
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++)
        rc = put_locked(c, &names[i], e);
    sqlite3_exec(c->db, "COMMIT", NULL, NULL, NULL);
    pthread_mutex_unlock(&c->lock);
    return rc;
}

void catalog_scan_begin(struct catalog *c)
{
    pthread_mutex_lock(&c->lock);
    c->scan++;
    pthread_mutex_unlock(&c->lock);
}

int catalog_scan_end(struct catalog *c, struct err *e)
{
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *st = c->statements[CATALOG_FORGET];
    sqlite3_bind_int64(st, 1, c->scan);
    int rc = finish_locked(c, st, e);
    if (!rc)
        c->size -= sqlite3_changes64(c->db);
    pthread_mutex_unlock(&c->lock);
    return rc;
}

/* The prefix as names are spelled. False where no name can begin with it. */
static bool fold_prefix(struct str prefix, char out[TENANT_NAME_MAX + 1])
{
    if (prefix.n > TENANT_NAME_MAX)
        return false;
    for (size_t i = 0; i < prefix.n; i++) {
        char c = prefix.p[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c + ('a' - 'A'));
        if (c <= ' ' || c >= '\x7f')
            return false;
        out[i] = c;
    }
    out[prefix.n] = '\x7f';
    return true;
}

static int read_names_locked(struct catalog *c, sqlite3_stmt *st, unsigned limit,
                             struct arena *arena, struct catalog_page *page, struct err *e)
{
    size_t cap = 0;
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        if (page->n == limit) {
            page->more = true;
            return 0;
        }
        struct tenant_name *names = sql_rows_grow(arena, page->names, page->n, &cap, sizeof *names);
        const unsigned char *text = sqlite3_column_text(st, 0);
        if (!names || !text)
            return err_set(e, ERR_NOMEM, "out of memory");
        page->names = names;
        struct tenant_name *t = &names[page->n++];
        t->n = (uint8_t)sqlite3_column_bytes(st, 0);
        memcpy(t->s, text, t->n + 1u);
    }
    return rc == SQLITE_DONE ? 0 : sql_error(c->db, rc, "index of tenants", e);
}

int catalog_range(struct catalog *c, struct str prefix, struct str after, unsigned limit,
                  struct arena *arena, struct catalog_page *ret, struct err *e)
{
    struct catalog_page page = {0};
    char end[TENANT_NAME_MAX + 1];
    if (!fold_prefix(prefix, end)) {
        *ret = page;
        return 0;
    }
    struct str from = str_make(end, prefix.n);
    bool from_after = after.n && str_cmp(after, from) >= 0;
    if (from_after)
        from = after;

    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *st = c->statements[from_after ? CATALOG_AFTER : CATALOG_FROM];
    sqlite3_bind_text64(st, 1, from.p, from.n, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_text64(st, 2, end, prefix.n + 1, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_int64(st, 3, (int64_t)limit + 1);
    int rc = read_names_locked(c, st, limit, arena, &page, e);
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
    pthread_mutex_unlock(&c->lock);
    if (!rc)
        *ret = page;
    return rc;
}

/* False where memory is out. */
static bool copy_time(sqlite3_stmt *st, int column, char out[RFC3339_BYTES])
{
    const unsigned char *text = sqlite3_column_text(st, column);
    size_t n = text ? (size_t)sqlite3_column_bytes(st, column) : 0;
    if (n >= RFC3339_BYTES)
        n = 0;
    if (n)
        memcpy(out, text, n);
    out[n] = '\0';
    return text != NULL;
}

bool catalog_summary_get(struct catalog *c, const struct tenant_name *t,
                         const struct file_stamp *stamp, struct tenant_summary *ret)
{
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *st = with_name_locked(c, CATALOG_SUMMARY_GET, t);
    bool found = sqlite3_step(st) == SQLITE_ROW &&
                 sqlite3_column_bytes(st, 0) == (int)sizeof *stamp &&
                 memcmp(sqlite3_column_blob(st, 0), stamp, sizeof *stamp) == 0;
    if (found) {
        ret->rows = sqlite3_column_int64(st, 1);
        found = copy_time(st, 2, ret->last_activity) && copy_time(st, 3, ret->created_at);
    }
    sqlite3_reset(st);
    pthread_mutex_unlock(&c->lock);
    return found;
}

void catalog_summary_put(struct catalog *c, const struct tenant_name *t,
                         const struct file_stamp *stamp, const struct tenant_summary *s)
{
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *st = with_name_locked(c, CATALOG_SUMMARY_PUT, t);
    sqlite3_bind_blob(st, 2, stamp, sizeof *stamp, SQLITE_STATIC);
    sqlite3_bind_int64(st, 3, s->rows);
    sqlite3_bind_text(st, 4, s->last_activity, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 5, s->created_at, -1, SQLITE_STATIC);
    finish_locked(c, st, NULL); /* a summary that is not kept is read again */
    pthread_mutex_unlock(&c->lock);
}
