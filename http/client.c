/*
 * The life of a connection, from accept to close (client.h has the phases).
 */
#include "http/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"
#include "http/deadline.h"
#include "http/exchange.h"
#include "http/server.h"
#include "http/tcp.h"
#include "http/wire.h"

enum {
    LINGER_BYTES_MAX = 32 << 20,
    LINGER_READS_A_TURN = 16,
    DRAIN_FRESH_MS = 300,
    TRIM_AFTER = 256
};
#define TRIM_PAUSE_NS (2 * NS_PER_S)

METRIC_DEFINE(open_connections, METRIC_GAUGE, "rowhouse_http_connections", NULL,
              "Client connections that are open.");

static void client_ready(struct watch *w, unsigned events);

static bool is_ours(const struct client *c)
{
    return c->phase == CLIENT_FRESH || c->phase == CLIENT_PARKED || c->phase == CLIENT_LINGER;
}

/* Notes who it is; a socket without addresses counts as local. */
static void read_address(struct client *c, const struct sockaddr_storage *addr)
{
    c->local = true;
    strcpy(c->text, "local");
    if (addr->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)addr;
        uint8_t *bytes = c->address.s6_addr;
        bytes[10] = bytes[11] = 0xff;
        memcpy(bytes + 12, &in->sin_addr, 4);
    } else if (addr->ss_family == AF_INET6) {
        c->address = ((const struct sockaddr_in6 *)addr)->sin6_addr;
    } else {
        return;
    }
    const uint8_t *bytes = c->address.s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&c->address)) {
        c->local = bytes[12] == 127;
        inet_ntop(AF_INET, bytes + 12, c->text, sizeof c->text);
    } else {
        c->local = IN6_IS_ADDR_LOOPBACK(&c->address);
        inet_ntop(AF_INET6, bytes, c->text, sizeof c->text);
    }
}

static void link_client(struct loop *l, struct client *c)
{
    c->next = l->clients;
    if (c->next)
        c->next->link = &c->next;
    c->link = &l->clients;
    l->clients = c;
    l->n_clients++;
    metric_add(&open_connections, 1);
}

bool client_open(struct loop *l, int fd, const struct sockaddr_storage *addr)
{
    struct client *c = fault_calloc(1, sizeof *c);
    if (!c)
        return false;
    c->watch.ready = client_ready;
    c->timer.fire = deadline_check;
    c->loop = l;
    c->fd = fd;
    read_address(c, addr);
    if (!limits_connect(&l->server->limits, &c->address, c->local)) {
        free(c);
        return false;
    }
    if (loop_watch(l, fd, EPOLLIN | EPOLLRDHUP, &c->watch) < 0) {
        limits_disconnect(&l->server->limits, &c->address, c->local);
        free(c);
        return false;
    }
    link_client(l, c);
    log_event(LOG_DEBUG, "http", "connection", LOG_C("client", c->text), LOG_I("fd", fd));
    client_enter(c, CLIENT_FRESH);
    return true;
}

void client_free(struct client *c)
{
    struct loop *l = c->loop;
    if (is_ours(c) && c->fd >= 0) {
        loop_unwatch(l, c->fd);
        close(c->fd);
    }
    timer_cancel(&l->wheel, &c->timer);
    limits_disconnect(&l->server->limits, &c->address, c->local);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    l->n_clients--;
    metric_add(&open_connections, -1);
    free(c);
}

void client_enter(struct client *c, enum client_phase phase)
{
    c->phase = phase;
    c->phase_ns = c->progress_ns = c->loop->now_ns;
    c->progress_bytes = c->window_bytes = 0;
    c->window_ns = c->phase_ns;
    timer_set_earlier(&c->loop->wheel, &c->timer, deadline_first(c));
}

void client_progress(struct client *c, size_t n)
{
    c->progress_ns = c->loop->now_ns;
    c->progress_bytes += n;
}

void client_account(struct client *c, uint64_t n, bool exact)
{
    c->accounted += n;
    c->inexact = c->inexact || !exact;
}

/* The client has closed its side and sent nothing more. */
static bool at_end(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static bool has_bytes(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* The time for the first head runs from the connection's first moment, for a
 * later one from its first byte. */
static void hand_to_wire(struct client *c)
{
    int64_t since = c->phase == CLIENT_FRESH ? c->phase_ns : c->loop->now_ns;
    loop_unwatch(c->loop, c->fd);
    client_enter(c, CLIENT_HEAD);
    c->phase_ns = since;
    wire_add(c->loop->wire, c);
}

static void linger_ready(struct client *c)
{
    char sink[16384];
    for (int i = 0; i < LINGER_READS_A_TURN; i++) {
        ssize_t n = recv(c->fd, sink, sizeof sink, MSG_DONTWAIT);
        if (n > 0) {
            client_progress(c, (size_t)n);
            if (c->progress_bytes < LINGER_BYTES_MAX)
                continue;
        }
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        client_free(c);
        return;
    }
}

static void client_ready(struct watch *w, unsigned events)
{
    struct client *c = (struct client *)(void *)w;
    if (c->phase == CLIENT_LINGER) {
        linger_ready(c);
        return;
    }
    bool broken = events & (EPOLLERR | EPOLLHUP);
    if (broken || ((events & EPOLLRDHUP) && at_end(c->fd)))
        client_free(c);
    else
        hand_to_wire(c);
}

static void linger(struct client *c, int fd)
{
    c->fd = fd;
    c->handle = NULL;
    shutdown(fd, SHUT_WR);
    client_enter(c, CLIENT_LINGER);
    if (loop_watch(c->loop, fd, EPOLLIN | EPOLLRDHUP, &c->watch) < 0)
        client_free(c);
}

/* The library answers most heads that it cannot read, and leaves the rest
 * without a word. On a connection that nothing was sent on, it is the latter. */
static bool answer_malformed(struct client *c, int fd)
{
    struct tcp_bytes tcp;
    if (!tcp_read_bytes(fd, &tcp) || tcp.sent > 0)
        return false;
    struct exchange *ex =
        exchange_instead(c, NULL, 400, "malformed", "The head of the request cannot be read");
    if (!ex)
        return false;
    struct buf bytes = BUF_INIT;
    answer_print(ex, true, &bytes);
    client_send_last(c, fd, buf_str(&bytes));
    exchange_over(ex, true);
    buf_free(&bytes);
    return true;
}

void client_closed_by_wire(struct client *c)
{
    bool refused = c->phase == CLIENT_HEAD || c->phase == CLIENT_BODY;
    int fd = -1;
    if ((c->linger || refused) && !c->shut && !at_end(c->fd))
        fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        client_free(c);
    else if (!refused || !answer_malformed(c, fd))
        linger(c, fd);
}

void client_send_last(struct client *c, int fd, struct str bytes)
{
    send(fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    linger(c, fd);
}

void client_park(struct client *c)
{
    int64_t since = c->phase_ns;
    int fd = wire_take(c);
    if (fd < 0)
        return;
    c->fd = fd;
    client_enter(c, CLIENT_PARKED);
    c->phase_ns = since;
    if (loop_watch(c->loop, fd, EPOLLIN | EPOLLRDHUP, &c->watch) < 0)
        client_free(c);
}

void client_drain(struct client *c, bool at_once)
{
    struct loop *l = c->loop;
    switch (c->phase) {
    case CLIENT_FRESH:
    case CLIENT_PARKED:
        if (has_bytes(c->fd))
            hand_to_wire(c);
        else if (at_once || c->phase == CLIENT_PARKED ||
                 l->now_ns - c->phase_ns > DRAIN_FRESH_MS * NS_PER_MS)
            client_free(c);
        return;
    case CLIENT_LINGER:
        if (at_once)
            client_free(c);
        return;
    case CLIENT_IDLE:
        /* What has arrived is still read and answered, then comes the end. */
        if (!c->shut)
            shutdown(c->fd, SHUT_RD);
        c->shut = true;
        return;
    case CLIENT_HANDLER:
        if (at_once)
            deadline_answer_instead(c, "shutting-down", "The server is shutting down");
        return;
    case CLIENT_STREAM:
        return; /* streams_end() is its end */
    default:
        if (at_once && !c->shut)
            shutdown(c->fd, SHUT_RDWR);
        c->shut = c->shut || at_once;
        return;
    }
}
