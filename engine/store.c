/*
 * The folder: opening it, the server's lock, the names in it.
 *
 * Nothing here keeps a list; who wants one has the catalog. A store is opened
 * once a process and may be used by any thread.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "engine/store_internal.h"

/* A path of this length leaves room for "/", a name, and "-journal". */
enum { PATH_MAX_BYTES = STORE_PATH_BYTES - STORE_FILE_BYTES - 2, FOLDER_MODE = 0750 };

const char *const store_endings[STORE_SIBLINGS] = {".db", ".db-wal", ".db-shm", ".db-journal"};

/* Makes the folder and those above it. */
static int make_folders(const char *path, struct err *e)
{
    char part[STORE_PATH_BYTES];
    size_t n = strlen(path);
    memcpy(part, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        part[i] = '\0';
        if (mkdir(part, FOLDER_MODE) < 0 && errno != EEXIST) {
            /* One above may be closed to us and exist all the same. */
            int failure = errno;
            struct stat st;
            if (stat(part, &st) < 0)
                return err_errno(e, failure, "cannot make the folder %s", part);
        }
        part[i] = path[i];
    }
    return 0;
}

static int open_folder(struct store *s, const char *path, struct err *e)
{
    s->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir < 0 && errno == ENOENT)
        return err_set(e, ERR_NOT_FOUND, "the folder %s does not exist", path);
    if (s->dir < 0 && errno == ENOTDIR)
        return err_set(e, ERR_IO, "%s is not a folder", path);
    if (s->dir < 0)
        return err_errno(e, errno, "cannot open the folder %s", path);

    char *absolute = realpath(path, NULL);
    if (!absolute)
        return err_errno(e, errno, "cannot find the folder %s", path);
    size_t n = strlen(absolute);
    if (n <= PATH_MAX_BYTES)
        memcpy(s->path, absolute, n + 1);
    free(absolute);
    return n <= PATH_MAX_BYTES
               ? 0
               : err_set(e, ERR_INVALID, "the folder's path is too long: at most %d bytes",
                         PATH_MAX_BYTES);
}

int store_open(const char *path, bool make, const struct engine_app *app, struct store **ret,
               struct err *e)
{
    if (!*path || strlen(path) > PATH_MAX_BYTES)
        return err_set(e, ERR_INVALID, "the folder's path must have 1 to %d bytes", PATH_MAX_BYTES);
    struct store *s = fault_calloc(1, sizeof *s);
    if (!s)
        return err_set(e, ERR_NOMEM, "out of memory");
    s->app = app;
    s->dir = s->server = -1;
    pthread_mutex_init(&s->template_lock, NULL);
    int rc = make ? make_folders(path, e) : 0;
    if (!rc)
        rc = open_folder(s, path, e);
    if (rc) {
        store_close(s);
        return rc;
    }
    *ret = s;
    return 0;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    template_close(s->template);
    pthread_mutex_destroy(&s->template_lock);
    if (s->server >= 0)
        close(s->server);
    if (s->dir >= 0)
        close(s->dir);
    free(s);
}

const char *store_path(const struct store *s)
{
    return s->path;
}

void store_file(const struct store *s, const struct tenant_name *t, char out[4096])
{
    snprintf(out, STORE_PATH_BYTES, "%.*s%s%s.db", PATH_MAX_BYTES, s->path,
             strcmp(s->path, "/") ? "/" : "", t->s);
}

void store_file_name(const struct tenant_name *t, const char *ending, char out[STORE_FILE_BYTES])
{
    snprintf(out, STORE_FILE_BYTES, "%s%s", t->s, ending);
}

static int refuse_second_server(const struct store *s, int fd, struct err *e)
{
    char text[24] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    long pid = strtol(text, NULL, 10);
    if (pid > 0)
        return err_set(e, ERR_EXISTS,
                       "another server has %s (process %ld): stop it, or choose another "
                       "DATABASE_PATH",
                       s->path, pid);
    return err_set(e, ERR_EXISTS, "another server has %s: stop it, or choose another DATABASE_PATH",
                   s->path);
}

/* Only for people and refuse_second_server(): nothing depends on it. */
static void write_pid(int fd)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (pwrite(fd, text, (size_t)n, 0) == n && ftruncate(fd, n) < 0)
        return;
}

/* Removes what processes that died left half made. */
static int remove_leftovers(struct store *s, struct err *e)
{
    int handle, rc = store_ddl_lock(s, true, &handle, e);
    if (rc)
        return rc;
    int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d) {
        rc = err_errno(e, errno, "cannot read the folder %s", s->path);
        if (fd >= 0)
            close(fd);
    }
    for (struct dirent *file; d && (file = readdir(d));) {
        if (str_starts(str_from(file->d_name), STR(STORE_TEMP_PREFIX)))
            unlinkat(s->dir, file->d_name, 0);
    }
    if (d)
        closedir(d);
    store_ddl_unlock(s, handle);
    return rc;
}

int store_lock_server(struct store *s, bool wait, struct err *e)
{
    int fd = openat(s->dir, ".rowhouse.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return err_errno(e, errno, "cannot open %s/.rowhouse.lock", s->path);
    int rc = 0;
    if (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0) {
        if (errno == EWOULDBLOCK)
            rc = refuse_second_server(s, fd, e);
        else if (errno == EINTR)
            rc = err_set(e, ERR_SHUTDOWN, "interrupted while waiting for another server's lock");
        else
            rc = err_errno(e, errno, "cannot lock %s/.rowhouse.lock", s->path);
    }
    if (!rc)
        rc = remove_leftovers(s, e);
    if (rc) {
        close(fd);
        return rc;
    }
    write_pid(fd);
    s->server = fd;
    return 0;
}

/* A tenant's file is a regular one. A symbolic link is listed too, so that
 * people see why its name cannot be used; opening it is refused. */
static bool may_be_database(const struct store *s, const struct dirent *file)
{
    if (file->d_type != DT_UNKNOWN)
        return file->d_type == DT_REG || file->d_type == DT_LNK;
    struct stat st;
    return fstatat(s->dir, file->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode));
}

int store_each(struct store *s, int (*each)(void *ctx, const struct tenant_name *t), void *ctx,
               struct err *e)
{
    int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d) {
        int rc = err_errno(e, errno, "cannot read the folder %s", s->path);
        if (fd >= 0)
            close(fd);
        return rc;
    }
    int rc = 0;
    for (;;) {
        errno = 0;
        struct dirent *file = readdir(d);
        if (!file && errno)
            rc = err_errno(e, errno, "cannot read the folder %s", s->path);
        if (!file || rc)
            break;
        struct tenant_name t;
        if (tenant_name_of_file(str_from(file->d_name), &t) && may_be_database(s, file))
            rc = each(ctx, &t);
        if (rc)
            break;
    }
    closedir(d);
    return rc;
}

int store_rename_new(int dir, const char *from, const char *to)
{
    int rc = renameat2(dir, from, dir, to, RENAME_NOREPLACE);
    if (rc == 0 || (errno != EINVAL && errno != ENOSYS))
        return rc;
    /* This file system cannot; a link is never made over a name either. */
    rc = linkat(dir, from, dir, to, 0);
    if (rc == 0)
        unlinkat(dir, from, 0);
    return rc;
}

int store_sync_folder(struct store *s, struct err *e)
{
    if (fault_hit(FAULT_IO)) {
        errno = EIO;
        return err_errno(e, errno, "cannot flush the folder %s", s->path);
    }
    return fsync(s->dir) < 0 ? err_errno(e, errno, "cannot flush the folder %s", s->path) : 0;
}
