/*
 * Writing a tenant to one file that needs nothing beside it.
 *
 * SQLite's backup interface copies the pages of one snapshot; writers go on
 * meanwhile, and no other tenant's file is opened. The copy is made under a
 * temporary name in the folder of the target, taken out of WAL mode, flushed,
 * and renamed: the target is whole or not there. For standard output the copy
 * is a file in TMPDIR (or /var/tmp) that has lost its name already.
 *
 * Any thread; each call has connections of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "engine/store_internal.h"

enum { EXPORT_MODE = 0600, COPY_BYTES = 1 << 16, TEMP_BYTES = 64, TEMP_TRIES = 1000 };

/* In the header: https://sqlite.org/fileformat.html, 1.3 */
enum { HEADER_VERSIONS_AT = 18 };

/* A folder, and a file of ours in it. Begins as {.dir = -1, .fd = -1}. */
struct copy {
    char folder[STORE_PATH_BYTES]; /* absolute */
    char temp[TEMP_BYTES];         /* "" while there is none (any more) */
    int dir, fd;
};

static void copy_close(struct copy *c)
{
    if (c->temp[0])
        unlinkat(c->dir, c->temp, 0);
    if (c->fd >= 0)
        close(c->fd);
    if (c->dir >= 0)
        close(c->dir);
}

static int open_folder(struct copy *c, const char *path, struct err *e)
{
    char *absolute = realpath(path, NULL);
    if (!absolute)
        return err_errno(e, errno, "cannot write into %s", path);
    size_t n = strlen(absolute);
    if (n + TEMP_BYTES < sizeof c->folder)
        memcpy(c->folder, absolute, n + 1);
    free(absolute);
    if (n + TEMP_BYTES >= sizeof c->folder)
        return err_set(e, ERR_INVALID, "the path of the folder %s is too long", path);
    c->dir = open(c->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return c->dir < 0 ? err_errno(e, errno, "cannot write into %s", path) : 0;
}

static int open_temp(struct copy *c, struct err *e)
{
    static _Atomic unsigned count;
    for (int i = 0; i < TEMP_TRIES && c->fd < 0; i++) {
        snprintf(c->temp, sizeof c->temp, ".rowhouse-export-%ld-%u", (long)getpid(),
                 atomic_fetch_add(&count, 1));
        c->fd = openat(c->dir, c->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, EXPORT_MODE);
        if (c->fd < 0 && errno != EEXIST)
            break;
    }
    if (c->fd >= 0)
        return 0;
    c->temp[0] = '\0';
    return err_errno(e, errno, "cannot make a file in %s", c->folder);
}

static int backup(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    if (!b)
        return sqlite3_extended_errcode(to);
    sqlite3_backup_step(b, -1);
    return sqlite3_backup_finish(b);
}

/* Copies the pages into the temporary file; without a name where told. */
static int copy_pages(struct conn *from, struct copy *c, bool unlink_it, struct err *e)
{
    char path[STORE_PATH_BYTES + TEMP_BYTES];
    snprintf(path, sizeof path, "%s/%s", c->folder, c->temp);
    sqlite3 *db = NULL;
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(path, &db, flags, NULL);
    /* Nothing is flushed before the end, when all is; nobody reads it before. */
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL,
                          NULL);
    if (rc == SQLITE_OK && unlink_it && unlinkat(c->dir, c->temp, 0) == 0)
        c->temp[0] = '\0';
    if (rc == SQLITE_OK)
        rc = backup(from->db, db);
    int result = rc == SQLITE_OK ? 0 : sql_error(db, rc, "cannot copy the database", e);
    sqlite3_close(db);
    return result;
}

/* Out of WAL mode: all it takes where there is no WAL is the header. */
static int leave_wal(struct copy *c, struct err *e)
{
    static const unsigned char rollback_journal[2] = {1, 1};
    if (pwrite(c->fd, rollback_journal, 2, HEADER_VERSIONS_AT) == 2)
        return 0;
    return err_errno(e, errno, "cannot write into %s", c->folder);
}

static int make_copy(struct store *s, const struct tenant_name *t, struct copy *c, bool unlink_it,
                     struct err *e)
{
    struct store_conn from;
    int rc = store_conn_open(s, t, CONN_READ, &from, e);
    if (rc == ERR_NOT_FOUND)
        return err_set(e, rc, "there is no tenant %s", t->s);
    if (rc)
        return rc;
    rc = open_temp(c, e);
    if (!rc)
        rc = copy_pages(&from.reader.conn, c, unlink_it, e);
    if (!rc)
        rc = leave_wal(c, e);
    store_conn_close(s, &from);
    return rc;
}

static int copy_bytes(int from, int to)
{
    CLEANUP(freep) char *buffer = fault_malloc(COPY_BYTES);
    ssize_t n = 0;
    if (!buffer) {
        errno = ENOMEM;
        return -1;
    }
    for (off_t at = 0; (n = pread(from, buffer, COPY_BYTES, at)) > 0; at += n) {
        for (ssize_t done = 0; done < n;) {
            ssize_t written = write(to, buffer + done, (size_t)(n - done));
            if (written < 0 && errno != EINTR)
                return -1;
            done += written > 0 ? written : 0;
        }
    }
    return n < 0 ? -1 : 0;
}

static int export_to_stdout(struct store *s, const struct tenant_name *t, struct copy *c,
                            struct err *e)
{
    const char *folder = getenv("TMPDIR");
    int rc = open_folder(c, folder && *folder ? folder : "/var/tmp", e);
    if (!rc)
        rc = make_copy(s, t, c, true, e);
    if (!rc && copy_bytes(c->fd, STDOUT_FILENO) < 0)
        rc = err_errno(e, errno, "cannot write to standard output");
    return rc;
}

/* Gives the copy its name; where that is taken, only if `replace` is set. */
static int publish(struct copy *c, const char *name, bool replace, struct err *e)
{
    if (fault_hit(FAULT_IO))
        return err_errno(e, EIO, "cannot flush the copy");
    if (fsync(c->fd) < 0)
        return err_errno(e, errno, "cannot flush the copy");
    int rc =
        replace ? renameat(c->dir, c->temp, c->dir, name) : store_rename_new(c->dir, c->temp, name);
    if (rc < 0 && errno == EEXIST)
        return err_set(e, ERR_EXISTS, "%s/%s exists already", c->folder, name);
    if (rc < 0)
        return err_errno(e, errno, "cannot write %s/%s", c->folder, name);
    c->temp[0] = '\0';
    return fsync(c->dir) < 0 ? err_errno(e, errno, "cannot flush the folder %s", c->folder) : 0;
}

/* A copy among the tenants would be one, or take one's place. */
static int refuse_folder_of_tenants(const struct store *s, const struct copy *c, struct err *e)
{
    struct stat ours, theirs;
    if (fstat(s->dir, &ours) < 0 || fstat(c->dir, &theirs) < 0)
        return err_errno(e, errno, "cannot look at %s", c->folder);
    if (ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)
        return err_set(e, ERR_INVALID, "%s is the folder of the tenants: export to another one",
                       c->folder);
    return 0;
}

static int export_to_file(struct store *s, const struct tenant_name *t, const char *file,
                          bool replace, struct copy *c, struct err *e)
{
    const char *slash = strrchr(file, '/');
    const char *name = slash ? slash + 1 : file;
    if (!*name || strlen(name) > NAME_MAX)
        return err_set(e, ERR_INVALID, "'%s' is no name of a file", file);
    char folder[STORE_PATH_BYTES];
    size_t n = slash ? (size_t)(slash - file) : 0;
    if (n >= sizeof folder)
        return err_set(e, ERR_INVALID, "the path of the file is too long");
    memcpy(folder, file, n);
    folder[n] = '\0';
    int rc = open_folder(c, n ? folder : slash ? "/" : ".", e);
    if (!rc)
        rc = refuse_folder_of_tenants(s, c, e);
    if (!rc && !replace && faccessat(c->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        rc = err_set(e, ERR_EXISTS, "%s exists already", file); /* before the long copy */
    if (!rc)
        rc = make_copy(s, t, c, false, e);
    return rc ? rc : publish(c, name, replace, e);
}

int store_export(struct store *s, const struct tenant_name *t, const char *file, bool replace,
                 struct err *e)
{
    struct copy c = {.dir = -1, .fd = -1};
    int rc = strcmp(file, "-") == 0 ? export_to_stdout(s, t, &c, e)
                                    : export_to_file(s, t, file, replace, &c, e);
    copy_close(&c);
    return rc;
}
