/*
 * The loop's turn: wait, run what is ready, what other threads posted, what
 * the library can do, and what is due. While draining it looks at every
 * connection each turn, and ends when none is left or time is up.
 */
#include "http/loop.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "http/accept.h"
#include "http/client.h"
#include "http/exchange.h"
#include "http/server.h"
#include "http/stream.h"
#include "http/wire.h"

enum { EVENTS_A_TURN = 256, DRAIN_TURN_MS = 20, DRAIN_LAST_MS = 200 };

int loop_watch(struct loop *l, int fd, unsigned events, struct watch *w)
{
    struct epoll_event ev = {.events = events, .data.ptr = w};
    return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

void loop_unwatch(struct loop *l, int fd)
{
    epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

void loop_wake(struct loop *l)
{
    const uint64_t one = 1;
    /* EAGAIN: the counter is full, so the loop has been woken. */
    while (write(l->event_fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
}

static void run_posts(struct loop *l)
{
    struct mpsc_node *node = mpsc_take_all(&l->posts);
    while (node) {
        struct mpsc_node *next = node->next;
        struct post *p = mpsc_entry(node, struct post, node);
        p->run(p);
        node = next;
    }
}

void loop_post(struct loop *l, struct post *p)
{
    if (mpsc_push(&l->posts, &p->node))
        loop_wake(l);
    if (!atomic_load(&l->ended))
        return;
    /* The loop's thread is gone: whoever posts runs it. */
    pthread_mutex_lock(&l->ended_lock);
    run_posts(l);
    pthread_mutex_unlock(&l->ended_lock);
}

static void woken(struct watch *w, unsigned events)
{
    (void)events;
    struct loop *l = (struct loop *)(void *)((char *)w - offsetof(struct loop, event_watch));
    uint64_t count;
    if (read(l->event_fd, &count, sizeof count) < 0 && errno != EAGAIN && errno != EINTR)
        log_event(LOG_ERROR, "http", "the loop's eventfd cannot be read");
}

static void wire_ready(struct watch *w, unsigned events)
{
    (void)events;
    struct loop *l = (struct loop *)(void *)((char *)w - offsetof(struct loop, wire_watch));
    l->wire_due = true;
}

int loop_open(struct loop *l, struct http_server *s, unsigned index, struct err *e)
{
    *l = (struct loop){
        .server = s, .index = index, .epoll_fd = -1, .event_fd = -1, .reserve_fd = -1};
    pthread_mutex_init(&l->ended_lock, NULL);
    l->now_ns = clock_mono_ns();
    timer_wheel_init(&l->wheel, l->now_ns);
    randombytes_buf(&l->id_prefix, sizeof l->id_prefix);
    l->event_watch.ready = woken;
    l->wire_watch.ready = wire_ready;
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->epoll_fd < 0 || l->event_fd < 0)
        return err_errno(e, errno, "Cannot make an event loop");
    int rc = wire_open(l, &l->wire, e);
    if (rc < 0)
        return rc;
    if (loop_watch(l, l->event_fd, EPOLLIN, &l->event_watch) < 0 ||
        loop_watch(l, wire_fd(l->wire), EPOLLIN, &l->wire_watch) < 0)
        return err_errno(e, errno, "Cannot make an event loop");
    return accept_start(l, e);
}

void loop_close(struct loop *l)
{
    if (!l->server)
        return;
    accept_stop(l);
    while (l->free_exchanges) {
        struct exchange *ex = l->free_exchanges;
        l->free_exchanges = ex->next_free;
        exchange_destroy(ex);
    }
    wire_close(l->wire);
    if (l->event_fd >= 0)
        close(l->event_fd);
    if (l->epoll_fd >= 0)
        close(l->epoll_fd);
    pthread_mutex_destroy(&l->ended_lock);
    l->server = NULL;
}

static void begin_drain(struct loop *l)
{
    l->draining = true;
    l->drain_until_ns = l->now_ns + l->server->config.drain_ms * NS_PER_MS;
    accept_stop(l);
    if (atomic_fetch_sub(&l->server->listening, 1) == 1)
        listeners_close(&l->server->listeners);
    streams_end(l);
}

/* True once the loop has nothing left to do. */
static bool drained(struct loop *l)
{
    if (!l->draining)
        return false;
    bool at_once = l->now_ns >= l->drain_until_ns;
    struct client *next;
    for (struct client *c = l->clients; c; c = next) {
        next = c->next;
        client_drain(c, at_once);
    }
    /* What was cut off at once has a moment to be sent. */
    if (at_once && l->end_ns == 0)
        l->end_ns = l->now_ns + DRAIN_LAST_MS * NS_PER_MS;
    return l->n_clients == 0 || (l->end_ns && l->now_ns >= l->end_ns);
}

static int wait_ms(const struct loop *l)
{
    if (l->wire_due)
        return 0;
    int wait = timer_wheel_wait_ms(&l->wheel, l->now_ns);
    if (l->draining && (wait < 0 || wait > DRAIN_TURN_MS))
        wait = DRAIN_TURN_MS;
    return wait;
}

static void turn(struct loop *l)
{
    struct epoll_event events[EVENTS_A_TURN];
    int n = epoll_wait(l->epoll_fd, events, EVENTS_A_TURN, wait_ms(l));
    l->now_ns = clock_mono_ns();
    for (int i = 0; i < n; i++) {
        struct watch *w = events[i].data.ptr;
        if (w)
            w->ready(w, events[i].events);
    }
    run_posts(l);
    if (l->wire_due) {
        l->wire_due = false;
        if (wire_run(l->wire))
            l->wire_due = true;
    }
    timer_wheel_advance(&l->wheel, l->now_ns);
    if (!l->draining && atomic_load(&l->server->stopping))
        begin_drain(l);
}

static void *loop_main(void *arg)
{
    struct loop *l = arg;
    while (!drained(l))
        turn(l);
    wire_close(l->wire);
    l->wire = NULL;
    streams_end(l);
    while (l->clients)
        client_free(l->clients);
    atomic_store(&l->ended, true);
    pthread_mutex_lock(&l->ended_lock);
    run_posts(l);
    pthread_mutex_unlock(&l->ended_lock);
    return NULL;
}

int loop_start(struct loop *l, struct err *e)
{
    int rc = pthread_create(&l->thread, NULL, loop_main, l);
    if (rc != 0)
        return err_errno(e, rc, "Cannot start an event loop");
    l->has_thread = true;
    char name[16];
    snprintf(name, sizeof name, "http-%u", l->index);
    pthread_setname_np(l->thread, name);
    return 0;
}
