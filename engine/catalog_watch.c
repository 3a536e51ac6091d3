/*
 * Keeping the index of tenants equal to the folder.
 *
 * A thread reads inotify; an event only says which name to look at, so the
 * order and number of events do not matter. The watch begins before the first
 * scan, so nothing falls between. Where events were lost, where there is no
 * inotify, and on file systems that change without telling (FUSE, network),
 * the folder is scanned again.
 *
 * A scan takes names in slices, so that readers of the index never wait for
 * all of it. The thread has all signals blocked and logs nothing: a folder
 * that cannot be read is tried again.
 */
#include <errno.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fault.h"
#include "engine/catalog_internal.h"

enum { SCAN_SLICE = 512, RESCAN_MS = 3000, RESCAN_SHARE = 50, EVENT_BYTES = 1 << 16 };

struct names {
    struct tenant_name *p; /* owned */
    size_t n, cap;
};

static int collect(void *ctx, const struct tenant_name *t)
{
    struct names *names = ctx;
    if (names->n == names->cap) {
        size_t cap = names->cap ? names->cap * 2 : SCAN_SLICE;
        struct tenant_name *p = fault_realloc(names->p, cap * sizeof *p);
        if (!p)
            return ERR_NOMEM;
        names->p = p;
        names->cap = cap;
    }
    names->p[names->n++] = *t;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct tenant_name *)a)->s, ((const struct tenant_name *)b)->s);
}

int catalog_scan(struct catalog *c, struct err *e)
{
    struct names names = {0};
    catalog_scan_begin(c);
    int rc = store_each(c->store, collect, &names, e);
    if (rc == ERR_NOMEM)
        err_set(e, rc, "out of memory");
    if (!rc && names.n) /* in order each goes to the end of the B-tree */
        qsort(names.p, names.n, sizeof *names.p, by_name);
    for (size_t i = 0; !rc && i < names.n; i += SCAN_SLICE) {
        size_t n = names.n - i < SCAN_SLICE ? names.n - i : SCAN_SLICE;
        rc = catalog_put_many(c, names.p + i, n, e);
    }
    if (!rc)
        rc = catalog_scan_end(c, e);
    free(names.p);
    return rc;
}

/* True where what happened is only known after a scan. */
static bool take_event(struct catalog *c, const struct inotify_event *event)
{
    struct tenant_name t;
    if (event->mask & (IN_Q_OVERFLOW | IN_IGNORED | IN_UNMOUNT))
        return true;
    if (event->len && tenant_name_of_file(str_from(event->name), &t))
        return catalog_look(c, &t) != 0;
    return false;
}

static bool take_events(struct catalog *c)
{
    _Alignas(struct inotify_event) char buffer[EVENT_BYTES];
    ssize_t n = read(c->notify, buffer, sizeof buffer);
    bool lost = n < 0 && errno != EAGAIN && errno != EINTR;
    for (ssize_t at = 0; n > 0 && at < n;) {
        const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
        lost |= take_event(c, event);
        at += (ssize_t)(sizeof *event + event->len);
    }
    return lost;
}

/* Scans; returns how long to wait before the next one, so that scanning takes
 * a fiftieth of the time at most. */
static int scan_again(struct catalog *c, bool *ret_lost)
{
    int64_t began_ns = clock_mono_ns();
    *ret_lost = catalog_scan(c, NULL) != 0;
    int64_t wait_ms = (clock_mono_ns() - began_ns) / NS_PER_MS * RESCAN_SHARE;
    return wait_ms > RESCAN_MS ? (int)wait_ms : RESCAN_MS;
}

static void *watch(void *arg)
{
    struct catalog *c = arg;
    bool lost = false;
    int wait_ms = RESCAN_MS;
    for (;;) {
        struct pollfd fds[2] = {{.fd = c->stop, .events = POLLIN},
                                {.fd = c->notify, .events = POLLIN}};
        int ready = poll(fds, 2, c->polls || lost ? wait_ms : -1);
        if (fds[0].revents)
            return NULL;
        bool due = ready == 0;
        if (ready > 0 && fds[1].revents)
            due = take_events(c);
        if (due)
            wait_ms = scan_again(c, &lost);
    }
}

static bool changes_silently(const struct store *s)
{
    struct statfs fs;
    if (fstatfs(s->dir, &fs) < 0)
        return true;
    return fs.f_type == FUSE_SUPER_MAGIC || fs.f_type == NFS_SUPER_MAGIC ||
           fs.f_type == (__fsword_t)SMB2_SUPER_MAGIC;
}

static void open_notify(struct catalog *c)
{
    c->notify = fault_hit(FAULT_IO) ? -1 : inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    const uint32_t events = IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR;
    if (c->notify >= 0 && inotify_add_watch(c->notify, c->store->path, events) < 0) {
        close(c->notify);
        c->notify = -1;
    }
    c->polls = c->notify < 0 || changes_silently(c->store);
}

static int start_thread(struct catalog *c)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&c->thread, NULL, watch, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!rc)
        pthread_setname_np(c->thread, "catalog");
    return rc;
}

int catalog_watch_start(struct catalog *c, struct err *e)
{
    c->stop = eventfd(0, EFD_CLOEXEC);
    if (c->stop < 0)
        return err_errno(e, errno, "cannot watch %s", c->store->path);
    open_notify(c);
    int rc = catalog_scan(c, e);
    if (rc)
        return rc;
    int failure = start_thread(c);
    if (failure)
        return err_errno(e, failure, "cannot start a thread");
    c->started = true;
    return 0;
}

void catalog_watch_stop(struct catalog *c)
{
    if (c->started) {
        eventfd_write(c->stop, 1);
        pthread_join(c->thread, NULL);
    }
    if (c->notify >= 0)
        close(c->notify);
    if (c->stop >= 0)
        close(c->stop);
}
