#include "test/fault/fault_libc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "test/fault/fault_alloc.h"

struct fault_count fault_libc, fault_libc_alloc;

static _Atomic int chosen, chosen_errno;

void fault_libc_choose(enum fault_libc_call call, int error)
{
    atomic_store(&chosen, (int)call);
    atomic_store(&chosen_errno, error);
}

/* True, with errno set, where this call is to fail. */
static bool due(enum fault_libc_call call)
{
    if (atomic_load(&chosen) != (int)call || !fault_count_due(&fault_libc))
        return false;
    errno = atomic_load(&chosen_errno);
    return true;
}

/*
 * Our own calls. The linker leads a call of NAME to __wrap_NAME, and of
 * __real_NAME to the library's. Names are those that the linker sees: with
 * large files that is open64 for open.
 */
#define WRAP(type, name, call, failure, parameters, arguments)                                     \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return due(call) ? (failure) : __real_##name arguments;                                    \
    }

WRAP(ssize_t, read, LIBC_READ, -1, (int fd, void *to, size_t n), (fd, to, n))
WRAP(ssize_t, pread64, LIBC_READ, -1, (int fd, void *to, size_t n, off_t at), (fd, to, n, at))
WRAP(struct dirent *, readdir64, LIBC_READ, NULL, (DIR * d), (d))
WRAP(DIR *, fdopendir, LIBC_OPEN, NULL, (int fd), (fd))
WRAP(int, eventfd, LIBC_OPEN, -1, (unsigned n, int flags), (n, flags))
WRAP(int, inotify_init1, LIBC_OPEN, -1, (int flags), (flags))
WRAP(int, inotify_add_watch, LIBC_OPEN, -1, (int fd, const char *path, uint32_t mask),
     (fd, path, mask))
WRAP(int, fsync, LIBC_SYNC, -1, (int fd), (fd))
WRAP(int, ftruncate64, LIBC_SIZE, -1, (int fd, off_t n), (fd, n))
WRAP(int, renameat2, LIBC_NAME, -1,
     (int from, const char *a, int to, const char *b, unsigned flags), (from, a, to, b, flags))
WRAP(int, linkat, LIBC_NAME, -1, (int from, const char *a, int to, const char *b, int flags),
     (from, a, to, b, flags))
WRAP(int, mkdir, LIBC_NAME, -1, (const char *path, mode_t mode), (path, mode))
WRAP(int, unlink, LIBC_UNLINK, -1, (const char *path), (path))
WRAP(int, unlinkat, LIBC_UNLINK, -1, (int dir, const char *path, int flags), (dir, path, flags))
WRAP(int, stat64, LIBC_LOOK, -1, (const char *path, struct stat *st), (path, st))
WRAP(int, lstat64, LIBC_LOOK, -1, (const char *path, struct stat *st), (path, st))
WRAP(int, fstat64, LIBC_LOOK, -1, (int fd, struct stat *st), (fd, st))
WRAP(int, fstatat64, LIBC_LOOK, -1, (int dir, const char *path, struct stat *st, int flags),
     (dir, path, st, flags))
WRAP(char *, realpath, LIBC_LOOK, NULL, (const char *path, char *to), (path, to))
WRAP(int, flock, LIBC_LOCK, -1, (int fd, int operation), (fd, operation))

/* pthread_create gives its error back. */
WRAP(int, pthread_create, LIBC_THREAD, errno,
     (pthread_t * ret, const pthread_attr_t *attr, void *(*run)(void *), void *arg),
     (ret, attr, run, arg))

ssize_t __real_write(int fd, const void *from, size_t n);
ssize_t __wrap_write(int fd, const void *from, size_t n);
ssize_t __wrap_write(int fd, const void *from, size_t n)
{
    if (!due(LIBC_WRITE))
        return __real_write(fd, from, n);
    int error = errno;
    if (n > 1 && __real_write(fd, from, n / 2) < 0)
        return -1;
    errno = error;
    return -1;
}

ssize_t __real_pwrite64(int fd, const void *from, size_t n, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *from, size_t n, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *from, size_t n, off_t at)
{
    return due(LIBC_WRITE) ? -1 : __real_pwrite64(fd, from, n, at);
}

static mode_t mode_of(int flags, va_list arguments)
{
    return flags & O_CREAT ? (mode_t)va_arg(arguments, int) : 0;
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return due(LIBC_OPEN) ? -1 : __real_open64(path, flags, mode);
}

int __real_openat64(int dir, const char *path, int flags, ...);
int __wrap_openat64(int dir, const char *path, int flags, ...);
int __wrap_openat64(int dir, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return due(LIBC_OPEN) ? -1 : __real_openat64(dir, path, flags, mode);
}

/* Every command that we use has a pointer, or nothing. */
int __real_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return due(LIBC_LOCK) ? -1 : __real_fcntl64(fd, command, argument);
}

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n)
{
    return fault_count_due(&fault_libc_alloc) ? NULL : __real_malloc(n);
}

void *__real_calloc(size_t count, size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_calloc(size_t count, size_t n)
{
    return fault_count_due(&fault_libc_alloc) ? NULL : __real_calloc(count, n);
}

void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n)
{
    return fault_count_due(&fault_libc_alloc) ? NULL : __real_realloc(p, n);
}

static _Atomic int64_t clock_shift_ns;

void fault_clock_shift(int64_t ns)
{
    atomic_store(&clock_shift_ns, ns);
}

int __real_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
    const int64_t second = 1000000000;
    int rc = __real_clock_gettime(id, ret);
    int64_t shift = atomic_load(&clock_shift_ns);
    if (rc == 0 && id == CLOCK_REALTIME && shift) {
        int64_t ns = ret->tv_sec * second + ret->tv_nsec + shift;
        ret->tv_sec = ns / second;
        ret->tv_nsec = ns % second;
    }
    return rc;
}

/* SQLite's calls. */

typedef int (*open_call)(const char *, int, int);
typedef ssize_t (*read_call)(int, void *, size_t);
typedef ssize_t (*pread_call)(int, void *, size_t, off_t);
typedef ssize_t (*write_call)(int, const void *, size_t);
typedef ssize_t (*pwrite_call)(int, const void *, size_t, off_t);
typedef int (*truncate_call)(int, off_t);
typedef int (*fallocate_call)(int, off_t, off_t);
typedef int (*stat_call)(const char *, struct stat *);
typedef int (*fstat_call)(int, struct stat *);
typedef int (*access_call)(const char *, int);
typedef int (*fcntl_call)(int, int, ...);
typedef int (*unlink_call)(const char *);
typedef void *(*map_call)(void *, size_t, int, int, int, off_t);

static struct {
    open_call open;
    read_call read;
    pread_call pread;
    write_call write;
    pwrite_call pwrite;
    truncate_call truncate;
    fallocate_call fallocate;
    stat_call stat, lstat;
    fstat_call fstat;
    access_call access;
    fcntl_call fcntl;
    unlink_call unlink;
    map_call map;
} real;

static int on_open(const char *path, int flags, int mode)
{
    return due(LIBC_OPEN) ? -1 : real.open(path, flags, mode);
}

static ssize_t on_read(int fd, void *to, size_t n)
{
    return due(LIBC_READ) ? -1 : real.read(fd, to, n);
}

static ssize_t on_pread(int fd, void *to, size_t n, off_t at)
{
    return due(LIBC_READ) ? -1 : real.pread(fd, to, n, at);
}

static ssize_t on_write(int fd, const void *from, size_t n)
{
    return due(LIBC_WRITE) ? -1 : real.write(fd, from, n);
}

static ssize_t on_pwrite(int fd, const void *from, size_t n, off_t at)
{
    if (!due(LIBC_WRITE))
        return real.pwrite(fd, from, n, at);
    int error = errno;
    if (n > 1 && real.pwrite(fd, from, n / 2, at) < 0)
        return -1;
    errno = error;
    return -1;
}

static int on_truncate(int fd, off_t n)
{
    return due(LIBC_SIZE) ? -1 : real.truncate(fd, n);
}

static int on_fallocate(int fd, off_t at, off_t n)
{
    return due(LIBC_WRITE) ? errno : real.fallocate(fd, at, n);
}

static int on_stat(const char *path, struct stat *st)
{
    return due(LIBC_LOOK) ? -1 : real.stat(path, st);
}

static int on_lstat(const char *path, struct stat *st)
{
    return due(LIBC_LOOK) ? -1 : real.lstat(path, st);
}

static int on_fstat(int fd, struct stat *st)
{
    return due(LIBC_LOOK) ? -1 : real.fstat(fd, st);
}

static int on_access(const char *path, int mode)
{
    return due(LIBC_LOOK) ? -1 : real.access(path, mode);
}

/* Giving a lock up does not fail. */
static int on_fcntl(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    bool locks = command == F_SETLK && ((struct flock *)argument)->l_type != F_UNLCK;
    return locks && due(LIBC_LOCK_SQLITE) ? -1 : real.fcntl(fd, command, argument);
}

static int on_unlink(const char *path)
{
    return due(LIBC_UNLINK) ? -1 : real.unlink(path);
}

static void *on_map(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
    return due(LIBC_MAP) ? MAP_FAILED : real.map(at, n, protection, flags, fd, offset);
}

#define SQLITE_CALL(name, member)                                                                  \
    {                                                                                              \
        name, (sqlite3_syscall_ptr)on_##member, (sqlite3_syscall_ptr *)&real.member                \
    }

static const struct {
    const char *name;
    sqlite3_syscall_ptr ours, *real;
} sqlite_calls[] = {
    SQLITE_CALL("open", open),           SQLITE_CALL("read", read),
    SQLITE_CALL("pread", pread),         SQLITE_CALL("pread64", pread),
    SQLITE_CALL("write", write),         SQLITE_CALL("pwrite", pwrite),
    SQLITE_CALL("pwrite64", pwrite),     SQLITE_CALL("ftruncate", truncate),
    SQLITE_CALL("fallocate", fallocate), SQLITE_CALL("stat", stat),
    SQLITE_CALL("lstat", lstat),         SQLITE_CALL("fstat", fstat),
    SQLITE_CALL("access", access),       SQLITE_CALL("fcntl", fcntl),
    SQLITE_CALL("unlink", unlink),       SQLITE_CALL("mmap", map),
};

void fault_libc_install(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find("unix");
    if (!vfs || real.open)
        abort();
    for (size_t i = 0; i < sizeof sqlite_calls / sizeof *sqlite_calls; i++) {
        sqlite3_syscall_ptr was = vfs->xGetSystemCall(vfs, sqlite_calls[i].name);
        if (!was) /* this SQLite was built without it */
            continue;
        *sqlite_calls[i].real = was;
        if (vfs->xSetSystemCall(vfs, sqlite_calls[i].name, sqlite_calls[i].ours))
            abort();
    }
}
