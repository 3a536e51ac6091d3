/*
 * Removing a tenant, also beside a server that has it open.
 *
 * Under the exclusive lock nobody opens or closes a connection by name. A
 * writing connection of ours takes SQLite's write lock first, so that no
 * commit lies between looking and removing; a commit that waited for it goes
 * into a file without a name, and the server, which looks at its file's link
 * count before it acknowledges, says so. The database goes first: whatever
 * instant the machine dies at, what is left is a whole tenant or files that
 * store_create() throws away.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/store_internal.h"

static int look(const struct store *s, const struct tenant_name *t, const char *file, struct err *e)
{
    struct stat st;
    if (fstatat(s->dir, file, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? err_set(e, ERR_NOT_FOUND, "there is no tenant %s", t->s)
                               : err_errno(e, errno, "cannot look at %s", file);
    if (S_ISDIR(st.st_mode))
        return err_set(e, ERR_NOT_FOUND, "there is no tenant %s: %s is a folder", t->s, file);
    return 0;
}

/* Takes the write lock where the file is a database. A file that is none, or
 * that is damaged, can be removed all the same. */
static int lock_writers(struct store *s, const struct tenant_name *t, int64_t busy_timeout_ms,
                        struct conn *c, struct err *e)
{
    char path[STORE_PATH_BYTES];
    store_file(s, t, path);
    struct err why = ERR_INIT;
    int rc = conn_open(c, path, CONN_WRITE_AS_IS, busy_timeout_ms, &why);
    if (!rc)
        rc = store_exec(c, "BEGIN IMMEDIATE", "cannot lock the database", &why);
    if (rc == ERR_BUSY)
        return err_set(e, ERR_BUSY, "the tenant %s is being written: try again", t->s);
    if (rc == ERR_NOMEM)
        return err_set(e, rc, "%s", why.text);
    return 0;
}

static int unlink_all(struct store *s, const struct tenant_name *t, const char *file, struct err *e)
{
    if (unlinkat(s->dir, file, 0) < 0)
        return err_errno(e, errno, "cannot remove %s", file);
    int rc = store_unlink_siblings(s, t, e);
    int flushed = store_sync_folder(s, rc ? NULL : e);
    return rc ? rc : flushed;
}

int store_delete(struct store *s, const struct tenant_name *t, int64_t busy_timeout_ms,
                 struct err *e)
{
    char file[STORE_FILE_BYTES];
    store_file_name(t, ".db", file);
    int handle, rc = store_ddl_lock(s, true, &handle, e);
    if (rc)
        return rc;
    struct conn c = {0};
    rc = look(s, t, file, e);
    if (!rc)
        rc = lock_writers(s, t, busy_timeout_ms, &c, e);
    if (!rc)
        rc = unlink_all(s, t, file, e);
    conn_close(&c); /* the names are gone, and it unlinks none */
    store_ddl_unlock(s, handle);
    return rc;
}
