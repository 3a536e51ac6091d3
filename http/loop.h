/*
 * An event loop: one thread, its connections, its timers.
 *
 * It waits in one epoll for: new connections, bytes on connections that it
 * holds itself, the HTTP library (wire.h), answers from the engine's threads,
 * and its streams. Everything here belongs to the loop's thread, except
 * loop_post() and loop_wake().
 */
#ifndef ROWHOUSE_HTTP_LOOP_H
#define ROWHOUSE_HTTP_LOOP_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/queue.h"
#include "http/http.h"
#include "http/timer.h"

struct client;
struct exchange;
struct stream;
struct wire;

/* Something that epoll reports on; a member of what it belongs to. */
struct watch {
    void (*ready)(struct watch *w, unsigned events);
};

/* Something that another thread hands over; a member too. */
struct post {
    struct mpsc_node node;
    void (*run)(struct post *p); /* on the loop's thread */
};

enum { LOOP_FREE_EXCHANGES_MAX = 256 };

struct loop {
    struct http_server *server;
    unsigned index;
    pthread_t thread;
    bool has_thread;
    int epoll_fd, event_fd;
    struct watch event_watch, wire_watch;
    struct wire *wire;
    bool wire_due; /* the library has something to do without new events */
    struct mpsc posts;
    struct timer_wheel wheel;
    int64_t now_ns; /* read once a turn */
    struct client *clients;
    size_t n_clients;
    struct stream *streams;
    struct acceptor *acceptors; /* owned; one a listening socket */
    unsigned n_acceptors;
    struct timer accept_timer; /* accepting goes on after a pause */
    int reserve_fd;            /* given up to answer where descriptors are out */
    struct exchange *free_exchanges;
    size_t n_free_exchanges;
    uint64_t id_prefix, id_count; /* of request ids */
    bool draining;                /* the loop has seen server->stopping */
    int64_t drain_until_ns;       /* then everything is cut off */
    int64_t end_ns;               /* then the thread ends; 0: not yet known */
    _Atomic bool ended;           /* its thread has left; posts are run by who posts */
    pthread_mutex_t ended_lock;
};

int loop_open(struct loop *l, struct http_server *s, unsigned index, struct err *e);
int loop_start(struct loop *l, struct err *e);

/* After its thread ended, or where it never started. Takes a zeroed one. */
void loop_close(struct loop *l);

/* Any thread: runs p->run on the loop's thread, soon. */
void loop_post(struct loop *l, struct post *p);
void loop_wake(struct loop *l);

/* Loop thread: starts and ends watching. Negative errno on failure. */
int loop_watch(struct loop *l, int fd, unsigned events, struct watch *w);
void loop_unwatch(struct loop *l, int fd);

#endif
