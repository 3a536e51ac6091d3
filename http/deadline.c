/*
 * One timer a connection. It is only ever moved to an earlier time when a
 * phase begins; when it fires it looks at the phase and sets itself to when
 * that may be missed. So a busy connection costs a look now and then, and no
 * system call a request.
 */
#include "http/deadline.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/metrics.h"
#include "http/exchange.h"
#include "http/server.h"
#include "http/tcp.h"
#include "http/wire.h"

#define WINDOW_NS    (10 * NS_PER_S) /* over which a rate is measured */
#define RATE_BYTES   1024            /* a second */
#define ANSWER_LOOK  (2 * NS_PER_S)
#define IDLE_PARK_NS NS_PER_S /* an idle connection leaves the library after this */
#define LINGER_NS    (5 * NS_PER_S)
#define LINGER_QUIET (2 * NS_PER_S)
#define NEVER_NS     (3600 * NS_PER_S)

METRIC_DEFINE(missed, METRIC_COUNTER, "rowhouse_http_deadlines_missed_total", NULL,
              "Connections that were closed or answered because they took too long.");

static int64_t ms(int64_t value)
{
    return value * NS_PER_MS;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t deadline_first(const struct client *c)
{
    const struct http_config *k = &c->loop->server->config;
    switch (c->phase) {
    case CLIENT_FRESH:
    case CLIENT_HEAD:
        return c->phase_ns + ms(k->header_timeout_ms);
    case CLIENT_PARKED:
        return c->phase_ns + ms(k->keep_alive_ms);
    case CLIENT_BODY:
        return c->phase_ns + least(ms(k->body_timeout_ms), WINDOW_NS);
    case CLIENT_HANDLER:
        return c->phase_ns + ms(k->handler_timeout_ms);
    case CLIENT_ANSWER:
        return c->phase_ns + least(ms(k->body_timeout_ms), ANSWER_LOOK);
    case CLIENT_IDLE:
        return c->phase_ns + least(ms(k->keep_alive_ms), IDLE_PARK_NS);
    case CLIENT_LINGER:
        return c->phase_ns + LINGER_QUIET;
    case CLIENT_STREAM:
        break;
    }
    return c->phase_ns + NEVER_NS;
}

/* Makes the library see an end of the connection. */
static void shut(struct client *c)
{
    metric_inc(&missed);
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    shutdown(c->fd, SHUT_RDWR);
    c->shut = true;
}

/* Answers 408 on a connection whose request never came to its end. */
static void answer_timeout(struct client *c, const char *detail)
{
    struct buf bytes = BUF_INIT;
    struct exchange *ex = exchange_instead(c, c->ex, 408, "request-timeout", detail);
    int fd = ex ? wire_take(c) : -1;
    if (fd < 0) {
        exchange_free(ex);
        shut(c);
        return;
    }
    metric_inc(&missed);
    if (c->ex)
        exchange_free(c->ex);
    c->ex = NULL;
    answer_print(ex, true, &bytes);
    client_send_last(c, fd, buf_str(&bytes));
    exchange_over(ex, true);
    buf_free(&bytes);
}

void deadline_answer_instead(struct client *c, const char *type, const char *detail)
{
    struct exchange *old = c->ex;
    struct exchange *ex = exchange_instead(c, old, 503, type, detail);
    if (!ex || !old) {
        exchange_free(ex);
        shut(c);
        return;
    }
    old->client = NULL;
    c->ex = ex;
    wire_resume(c);
}

/* True where the rate of the window that has passed, if any, is too low. */
static bool too_slow(struct client *c, int64_t now)
{
    bool first = c->window_ns == c->phase_ns;
    if (now - c->window_ns < WINDOW_NS)
        return false;
    uint64_t moved = c->progress_bytes - c->window_bytes;
    uint64_t wanted = (uint64_t)((now - c->window_ns) / NS_PER_S) * RATE_BYTES;
    c->window_ns = now;
    c->window_bytes = c->progress_bytes;
    return !first && moved < wanted;
}

static int64_t check_body(struct client *c, int64_t now)
{
    int64_t idle_ns = ms(c->loop->server->config.body_timeout_ms);
    if (now - c->progress_ns >= idle_ns || too_slow(c, now)) {
        answer_timeout(c, "The body of the request came too slowly");
        return 0;
    }
    return least(c->progress_ns + idle_ns, c->window_ns + WINDOW_NS);
}

/* What the client has taken of the answer: by TCP's acknowledgements, or by
 * what is still queued where the socket is not TCP. */
static void note_answer_progress(struct client *c, int64_t now)
{
    struct tcp_bytes tcp;
    int queued = 0;
    uint64_t taken = c->progress_bytes;
    if (tcp_read_bytes(c->fd, &tcp))
        taken = tcp.acked;
    else if (ioctl(c->fd, TIOCOUTQ, &queued) == 0)
        taken = UINT64_MAX / 2 - (uint64_t)queued;
    if (c->progress_bytes == 0)
        c->window_bytes = taken;
    if (taken != c->progress_bytes)
        c->progress_ns = now;
    c->progress_bytes = taken;
}

static int64_t check_answer(struct client *c, int64_t now)
{
    int64_t idle_ns = ms(c->loop->server->config.body_timeout_ms);
    note_answer_progress(c, now);
    if (now - c->progress_ns >= idle_ns || too_slow(c, now)) {
        shut(c);
        return 0;
    }
    return now + least(idle_ns, ANSWER_LOOK);
}

/* An idle connection goes back to the loop once it is certain that the library
 * holds no byte of a next request; if it holds some, a head is on its way. */
static int64_t check_idle(struct client *c, int64_t now)
{
    const struct http_config *k = &c->loop->server->config;
    struct tcp_bytes tcp;
    int unread = 0;
    if (now - c->phase_ns >= ms(k->keep_alive_ms)) {
        c->shut = true;
        shutdown(c->fd, SHUT_RD);
        return 0;
    }
    if (c->inexact || !tcp_read_bytes(c->fd, &tcp) || ioctl(c->fd, FIONREAD, &unread) != 0)
        return c->phase_ns + ms(k->keep_alive_ms);
    if (tcp.received != c->accounted) {
        client_enter(c, CLIENT_HEAD);
        return deadline_first(c);
    }
    if (unread == 0)
        client_park(c);
    return 0;
}

static int64_t check(struct client *c, int64_t now)
{
    int64_t due = deadline_first(c);
    switch (c->phase) {
    case CLIENT_FRESH:
    case CLIENT_PARKED:
        if (now < due)
            return due;
        client_free(c);
        return 0;
    case CLIENT_HEAD:
        if (now < due)
            return due;
        answer_timeout(c, "The head of the request took too long");
        return 0;
    case CLIENT_BODY:
        return check_body(c, now);
    case CLIENT_HANDLER:
        if (now < due)
            return due;
        metric_inc(&missed);
        deadline_answer_instead(c, "timeout", "The answer took too long");
        return 0;
    case CLIENT_ANSWER:
        return check_answer(c, now);
    case CLIENT_IDLE:
        return now < due ? due : check_idle(c, now);
    case CLIENT_LINGER:
        if (now - c->phase_ns < LINGER_NS && now - c->progress_ns < LINGER_QUIET)
            return now + LINGER_QUIET;
        client_free(c);
        return 0;
    case CLIENT_STREAM:
        break;
    }
    return 0;
}

void deadline_check(struct timer *t)
{
    struct client *c = (struct client *)(void *)((char *)t - offsetof(struct client, timer));
    struct loop *l = c->loop;
    if (c->shut)
        return;
    int64_t due = check(c, l->now_ns);
    if (due)
        timer_set_earlier(&l->wheel, t, due);
}
