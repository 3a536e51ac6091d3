/*
 * The lock for making and removing files: two bytes of `.rowhouse.ddl`, locked
 * by open file description (fcntl(2), F_OFD_SETLK).
 *
 * Byte 1 is the lock. Byte 0 is a gate that everybody passes on the way to it;
 * whoever wants the lock exclusively keeps the gate while waiting, so nobody
 * overtakes. Closing the descriptor gives both up, also when a process dies.
 * Any thread; nothing is shared but the file.
 */
#include "engine/store_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "engine/store_internal.h"

enum { BYTE_GATE = 0, BYTE_LOCK = 1, POLL_NS = 500000 };

static int set_lock(int fd, off_t byte, short type)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &range);
}

static int wait_lock(int fd, off_t byte, short type, int64_t deadline_ns, struct err *e)
{
    while (set_lock(fd, byte, type) < 0) {
        if (errno != EAGAIN && errno != EACCES && errno != EINTR)
            return err_errno(e, errno, "cannot lock .rowhouse.ddl");
        if (clock_mono_ns() > deadline_ns)
            return err_set(e, ERR_BUSY,
                           "another process is making or removing a tenant: try again");
        nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
    }
    return 0;
}

static int lock_both(int fd, bool exclusive, struct err *e)
{
    short type = exclusive ? F_WRLCK : F_RDLCK;
    int64_t deadline_ns = clock_mono_ns() + STORE_DDL_WAIT_MS * NS_PER_MS;
    int rc = wait_lock(fd, BYTE_GATE, type, deadline_ns, e);
    if (!rc)
        rc = wait_lock(fd, BYTE_LOCK, type, deadline_ns, e);
    if (!rc && !exclusive && set_lock(fd, BYTE_GATE, F_UNLCK) < 0)
        rc = err_errno(e, errno, "cannot pass the gate of .rowhouse.ddl");
    return rc;
}

/* A reading lock also works on a file that may only be read. */
static int open_lock(const struct store *s, bool exclusive)
{
    int flags = O_CLOEXEC | O_NOFOLLOW;
    int fd = openat(s->dir, ".rowhouse.ddl", flags | O_RDWR | O_CREAT, 0640);
    if (fd < 0 && !exclusive && (errno == EROFS || errno == EACCES))
        fd = openat(s->dir, ".rowhouse.ddl", flags | O_RDONLY);
    return fd;
}

int store_ddl_lock(struct store *s, bool exclusive, int *ret_handle, struct err *e)
{
    int fd = open_lock(s, exclusive);
    if (fd < 0 && errno == ENOENT && !exclusive) {
        *ret_handle = -1;
        return 0;
    }
    if (fd < 0)
        return err_errno(e, errno, "cannot open %s/.rowhouse.ddl", s->path);
    int rc = lock_both(fd, exclusive, e);
    if (rc) {
        close(fd);
        return rc;
    }
    *ret_handle = fd;
    return 0;
}

void store_ddl_unlock(struct store *s, int handle)
{
    (void)s;
    if (handle >= 0)
        close(handle);
}
