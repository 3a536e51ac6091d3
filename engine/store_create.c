/*
 * Making a tenant's file: whole or not at all, durable when it returns.
 *
 * The image is written under a temporary name, flushed, and renamed without
 * replacing anything; then the folder is flushed. So a name that can be seen
 * has its whole schema, at whatever instant the process or the machine dies.
 *
 * Files that SQLite would put beside the database and that outlived an earlier
 * tenant of that name must be gone before the name appears: a -wal would be
 * taken for the new database's own. They can only be told from live ones while
 * nobody makes that name, so the exclusive lock is taken where there are any;
 * normally there are none, and the shared one is enough.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "engine/store_internal.h"

enum { FILE_MODE = 0640, TEMP_TRIES = 1000 };

static int refuse_existing(const struct tenant_name *t, struct err *e)
{
    return err_set(e, ERR_EXISTS, "the tenant %s exists already", t->s);
}

static bool exists(const struct store *s, const struct tenant_name *t, const char *ending)
{
    char name[STORE_FILE_BYTES];
    struct stat st;
    store_file_name(t, ending, name);
    return fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool has_siblings(const struct store *s, const struct tenant_name *t)
{
    for (int i = 1; i < STORE_SIBLINGS; i++) {
        if (exists(s, t, store_endings[i]))
            return true;
    }
    return false;
}

int store_unlink_siblings(struct store *s, const struct tenant_name *t, struct err *e)
{
    for (int i = 1; i < STORE_SIBLINGS; i++) {
        char name[STORE_FILE_BYTES];
        store_file_name(t, store_endings[i], name);
        if (unlinkat(s->dir, name, 0) < 0 && errno != ENOENT)
            return err_errno(e, errno, "cannot remove %s", name);
    }
    return 0;
}

static int write_all(int fd, const unsigned char *p, size_t n)
{
    while (n) {
        ssize_t written = fault_hit(FAULT_IO) ? (errno = ENOSPC, -1) : write(fd, p, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        p += written;
        n -= (size_t)written;
    }
    return 0;
}

static int flush(int fd)
{
    return fault_hit(FAULT_IO) ? (errno = EIO, -1) : fsync(fd);
}

/* Another process may have the same pid where a folder is shared between
 * containers, so names that exist are passed over. */
static int open_temp(struct store *s, char name[STORE_FILE_BYTES])
{
    for (int i = 0; i < TEMP_TRIES; i++) {
        unsigned number = atomic_fetch_add(&s->temp_count, 1);
        snprintf(name, STORE_FILE_BYTES, STORE_TEMP_PREFIX "%ld-%u", (long)getpid(), number);
        int fd = openat(s->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    errno = EEXIST;
    return -1;
}

/* A flushed temporary file with the image. */
static int write_temp(struct store *s, const unsigned char *image, size_t n,
                      char name[STORE_FILE_BYTES], struct err *e)
{
    int fd = open_temp(s, name);
    if (fd < 0)
        return err_errno(e, errno, "cannot make a file in %s", s->path);
    int rc = 0;
    if (write_all(fd, image, n) < 0 || flush(fd) < 0)
        rc = err_errno(e, errno, "cannot write a file in %s", s->path);
    if (close(fd) < 0 && !rc)
        rc = err_errno(e, errno, "cannot write a file in %s", s->path);
    if (rc)
        unlinkat(s->dir, name, 0);
    return rc;
}

/* Gives the temporary file the tenant's name. It is gone afterwards, or has
 * become the tenant. */
static int publish(struct store *s, const struct tenant_name *t, const char *temp, struct err *e)
{
    char name[STORE_FILE_BYTES];
    store_file_name(t, ".db", name);
    int rc = 0;
    if (fault_hit(FAULT_IO))
        rc = err_errno(e, EIO, "cannot rename to %s", name);
    else if (store_rename_new(s->dir, temp, name) < 0)
        rc = errno == EEXIST ? refuse_existing(t, e)
                             : err_errno(e, errno, "cannot rename to %s", name);
    if (rc)
        unlinkat(s->dir, temp, 0);
    return rc;
}

/* Under the shared lock, or the exclusive one (then leftovers are removed).
 * ERR_AGAIN: there are leftovers, take the exclusive one. */
static int create_locked(struct store *s, const struct tenant_name *t, bool exclusive,
                         const unsigned char *image, size_t n, struct err *e)
{
    if (exists(s, t, ".db"))
        return refuse_existing(t, e);
    if (has_siblings(s, t)) {
        if (!exclusive)
            return ERR_AGAIN;
        int rc = store_unlink_siblings(s, t, e);
        if (rc)
            return rc;
    }
    char temp[STORE_FILE_BYTES];
    int rc = write_temp(s, image, n, temp, e);
    return rc ? rc : publish(s, t, temp, e);
}

static int create_with_lock(struct store *s, const struct tenant_name *t, bool exclusive,
                            const unsigned char *image, size_t n, struct err *e)
{
    int handle, rc = store_ddl_lock(s, exclusive, &handle, e);
    if (rc)
        return rc;
    rc = create_locked(s, t, exclusive, image, n, e);
    store_ddl_unlock(s, handle);
    return rc;
}

static int prepare_template(struct store *s, struct err *e)
{
    pthread_mutex_lock(&s->template_lock);
    int rc = s->template ? 0 : template_open(s->app, &s->template, e);
    pthread_mutex_unlock(&s->template_lock);
    return rc;
}

int store_create_unflushed(struct store *s, const struct tenant_name *t, struct err *e)
{
    if (exists(s, t, ".db"))
        return refuse_existing(t, e);
    int rc = prepare_template(s, e);
    unsigned char *image = NULL;
    size_t n = 0;
    if (!rc)
        rc = template_make(s->template, t, &image, &n, e);
    if (!rc)
        rc = create_with_lock(s, t, false, image, n, e);
    if (rc == ERR_AGAIN)
        rc = create_with_lock(s, t, true, image, n, e);
    sqlite3_free(image);
    return rc;
}

int store_create(struct store *s, const struct tenant_name *t, struct err *e)
{
    int rc = store_create_unflushed(s, t, e);
    return rc ? rc : store_sync_folder(s, e);
}
