/*
 * Connections of commands and short reads.
 *
 * SQLite opens -wal and -shm by name at a connection's first read and may
 * unlink them by name when the last connection closes. Both are done under the
 * shared lock, so that no deletion or creation of that name lies between.
 * A tenant that nobody has open is put back as it was found: the connection
 * is then one that could write, because only such a one may remove -wal and
 * -shm when it closes; SQLite does that only where no other connection is
 * left. A connection belongs to one thread.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "engine/store_internal.h"

int store_exec(struct conn *c, const char *sql, const char *what, struct err *e)
{
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : sql_error(c->db, rc, what, e);
}

/* True where no process has the tenant open, and none died with it open. */
static bool is_cold(const struct store *s, const struct tenant_name *t)
{
    char name[STORE_FILE_BYTES];
    struct stat st;
    store_file_name(t, ".db-shm", name);
    return fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0;
}

static int open_as(struct store *s, const struct tenant_name *t, enum conn_mode mode,
                   struct reader *ret, struct err *e)
{
    char path[STORE_PATH_BYTES];
    store_file(s, t, path);
    struct reader r = {0};
    int rc = conn_open(&r.conn, path, mode, STORE_BUSY_MS, e);
    if (!rc)
        rc = store_exec(&r.conn, "SELECT 1 FROM sqlite_schema LIMIT 1", "cannot read", e);
    if (rc)
        conn_close(&r.conn);
    else
        *ret = r;
    return rc;
}

int store_conn_open(struct store *s, const struct tenant_name *t, enum conn_mode mode,
                    struct store_conn *ret, struct err *e)
{
    int handle, rc = store_ddl_lock(s, false, &handle, e);
    if (rc)
        return rc;
    struct store_conn c = {.tidy = is_cold(s, t)};
    if (c.tidy && mode == CONN_READ) {
        rc = open_as(s, t, CONN_WRITE_AS_IS, &c.reader, e);
        c.tidy = rc != ERR_READ_ONLY && rc != ERR_PERMISSION;
        if (!c.tidy)
            rc = open_as(s, t, CONN_READ, &c.reader, e);
    } else {
        rc = open_as(s, t, mode, &c.reader, e);
    }
    store_ddl_unlock(s, handle);
    if (!rc)
        *ret = c;
    return rc;
}

void store_conn_close(struct store *s, struct store_conn *c)
{
    int handle;
    if (c->tidy && c->reader.conn.db && store_ddl_lock(s, false, &handle, NULL) == 0) {
        conn_close_tidy(&c->reader.conn);
        store_ddl_unlock(s, handle);
    } else {
        conn_close(&c->reader.conn);
    }
}
