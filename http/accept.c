/*
 * Every loop watches every listening socket, with EPOLLEXCLUSIVE so that one
 * of them wakes. Where descriptors are out, a reserved one is given up to take
 * the client in, tell it 503, and close: a backlog that nobody takes would keep
 * the loop spinning, and the client waiting.
 */
#include "http/accept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/metrics.h"
#include "http/access.h"
#include "http/client.h"
#include "http/server.h"

enum { ACCEPTS_A_TURN = 64, PAUSE_MS = 100 };

METRIC_DEFINE(accepted, METRIC_COUNTER, "rowhouse_http_connections_accepted_total", NULL,
              "Connections that were accepted.");
METRIC_DEFINE(refused, METRIC_COUNTER, "rowhouse_http_connections_refused_total", NULL,
              "Connections that were answered 503 and closed: too many, or no descriptors.");

struct acceptor {
    struct watch watch;
    struct loop *loop;
    int fd; /* the server's */
};

/* Prints the whole answer; its request id is as access_request_id() makes them. */
static size_t print_refusal(struct loop *l, char *to, size_t bytes)
{
    char id[ACCESS_ID_BYTES], body[256];
    access_new_id(l, id);
    int n = snprintf(body, sizeof body,
                     "{\"type\":\"urn:rowhouse:problem:too-many-connections\","
                     "\"title\":\"Too many connections\",\"status\":503,"
                     "\"detail\":\"Try again a little later\",\"request_id\":\"%s\"}\n",
                     id);
    n = snprintf(to, bytes,
                 "HTTP/1.1 503 Service Unavailable\r\n"
                 "Content-Type: application/problem+json\r\n"
                 "Content-Length: %d\r\n"
                 "Cache-Control: no-store\r\n"
                 "X-Request-Id: %s\r\n"
                 "Retry-After: 2\r\n"
                 "Connection: close\r\n\r\n%s",
                 n, id, body);
    return (size_t)n;
}

/* The client's own bytes are taken first: closing over them would make TCP
 * throw the answer away. */
static void refuse(struct loop *l, int fd)
{
    char sink[4096], answer[640];
    metric_inc(&refused);
    while (recv(fd, sink, sizeof sink, MSG_DONTWAIT) == (ssize_t)sizeof sink)
        continue;
    send(fd, answer, print_refusal(l, answer, sizeof answer), MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(fd, SHUT_WR);
    close(fd);
}

static void watch_all(struct loop *l, bool on)
{
    for (unsigned i = 0; i < l->n_acceptors; i++) {
        struct acceptor *a = &l->acceptors[i];
        if (!on || loop_watch(l, a->fd, EPOLLIN | EPOLLEXCLUSIVE, &a->watch) < 0)
            loop_unwatch(l, a->fd);
    }
}

static void resume(struct timer *t)
{
    struct loop *l = (struct loop *)(void *)((char *)t - offsetof(struct loop, accept_timer));
    if (l->acceptors)
        watch_all(l, true);
}

/* Nothing can be accepted: tries again after a while instead of spinning. */
static void pause_accepting(struct loop *l)
{
    watch_all(l, false);
    timer_set(&l->wheel, &l->accept_timer, l->now_ns + PAUSE_MS * NS_PER_MS);
}

static bool refuse_without_descriptor(struct acceptor *a)
{
    struct loop *l = a->loop;
    if (l->reserve_fd < 0)
        return false;
    close(l->reserve_fd);
    int fd = accept4(a->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        refuse(l, fd);
    l->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0;
}

static void take(struct loop *l, int fd, const struct sockaddr_storage *addr)
{
    metric_inc(&accepted);
    if (!client_open(l, fd, addr))
        refuse(l, fd);
}

/* False where the backlog is empty or cannot be taken now. */
static bool accept_one(struct acceptor *a)
{
    struct sockaddr_storage addr = {.ss_family = AF_UNSPEC};
    socklen_t n = sizeof addr;
    int fd = accept4(a->fd, (struct sockaddr *)&addr, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        take(a->loop, fd, &addr);
        return true;
    }
    switch (errno) {
    case ECONNABORTED:
    case EINTR:
    case EPROTO:
        return true;
    case EMFILE:
    case ENFILE:
        if (refuse_without_descriptor(a))
            return true;
        pause_accepting(a->loop);
        return false;
    case ENOMEM:
    case ENOBUFS:
        pause_accepting(a->loop);
        return false;
    default:
        return false;
    }
}

static void acceptor_ready(struct watch *w, unsigned events)
{
    (void)events;
    struct acceptor *a = (struct acceptor *)(void *)w;
    for (int i = 0; i < ACCEPTS_A_TURN && accept_one(a); i++)
        continue;
}

int accept_start(struct loop *l, struct err *e)
{
    const struct listeners *ls = &l->server->listeners;
    l->accept_timer.fire = resume;
    l->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    l->acceptors = fault_calloc(ls->n, sizeof *l->acceptors);
    if (!l->acceptors)
        return err_set(e, ERR_NOMEM, "Out of memory");
    for (unsigned i = 0; i < ls->n; i++) {
        struct acceptor *a = &l->acceptors[l->n_acceptors++];
        *a = (struct acceptor){.watch = {acceptor_ready}, .loop = l, .fd = ls->fds[i]};
        int rc = loop_watch(l, a->fd, EPOLLIN | EPOLLEXCLUSIVE, &a->watch);
        if (rc < 0)
            return err_errno(e, -rc, "Cannot watch a listening socket");
    }
    return 0;
}

void accept_stop(struct loop *l)
{
    watch_all(l, false);
    timer_cancel(&l->wheel, &l->accept_timer);
    for (unsigned i = 0; i < l->n_acceptors; i++)
        while (!timer_is_set(&l->accept_timer) && accept_one(&l->acceptors[i]))
            continue;
    timer_cancel(&l->wheel, &l->accept_timer);
    free(l->acceptors);
    l->acceptors = NULL;
    l->n_acceptors = 0;
    if (l->reserve_fd >= 0)
        close(l->reserve_fd);
    l->reserve_fd = -1;
}
