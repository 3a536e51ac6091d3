/*
 * The engine wakes a stream from any thread when its feed has something; the
 * stream posts itself to its loop once and takes events until its buffer is
 * full. What a slow client does not take stays in the engine's feed, which is
 * bounded and drops the oldest: the client is told by `event: resync`. One that
 * takes nothing at all for STALL_NS is dropped.
 *
 *   quiet ──wake──► posted ──run──► sending ──all sent──► quiet
 *                                     └──socket full──► waits for EPOLLOUT
 */
#include "http/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/metrics.h"
#include "http/access.h"
#include "http/server.h"
#include "http/wire.h"

#define COMMENT_NS (15 * NS_PER_S)
#define STALL_NS   (30 * NS_PER_S)
enum { BUFFER_BYTES = 32 << 10 };

METRIC_DEFINE(open_streams, METRIC_GAUGE, "rowhouse_http_streams", NULL,
              "Event streams that are open.");
METRIC_DEFINE(sent_events, METRIC_COUNTER, "rowhouse_http_stream_events_total", NULL,
              "Events that were written to streams.");
METRIC_DEFINE(gaps, METRIC_COUNTER, "rowhouse_http_stream_gaps_total", NULL,
              "Times that a stream was told to load again because it was too far behind.");

struct stream {
    struct watch watch;
    struct post post;
    struct timer timer;
    struct loop *loop;
    struct client *client; /* counts as the client's connection; its socket is ours */
    struct stream *next, **link;
    struct feed_subscription *sub;
    struct buf out; /* not sent yet, from `at` */
    size_t at;
    int fd;
    bool waits_for_room; /* EPOLLOUT is asked for */
    bool dead;           /* to be freed when its post has run */
    _Atomic bool posted;
    int64_t moved_ns; /* when bytes went out last */
};

/* Any thread. */
static void wake(void *ctx)
{
    struct stream *s = ctx;
    if (!atomic_exchange(&s->posted, true))
        loop_post(s->loop, &s->post);
}

static void release(struct stream *s)
{
    buf_free(&s->out);
    free(s);
}

/* Gives everything up but the memory, which a post may still refer to. */
static void close_stream(struct stream *s)
{
    feed_unsubscribe(s->sub);
    s->sub = NULL;
    timer_cancel(&s->loop->wheel, &s->timer);
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    metric_add(&open_streams, -1);
    loop_unwatch(s->loop, s->fd);
    close(s->fd);
    client_free(s->client);
    if (atomic_load(&s->posted))
        s->dead = true;
    else
        release(s);
}

static void ask_for_room(struct stream *s, bool on)
{
    if (s->waits_for_room == on)
        return;
    loop_unwatch(s->loop, s->fd);
    loop_watch(s->loop, s->fd, EPOLLIN | EPOLLRDHUP | (on ? EPOLLOUT : 0u), &s->watch);
    s->waits_for_room = on;
}

/* False where the client is gone. */
static bool flush(struct stream *s)
{
    while (s->at < s->out.n) {
        ssize_t n = send(s->fd, s->out.p + s->at, s->out.n - s->at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            return false;
        s->at += (size_t)n;
        s->moved_ns = s->loop->now_ns;
    }
    if (s->at == s->out.n) {
        buf_free(&s->out);
        s->at = 0;
    }
    ask_for_room(s, s->at < s->out.n);
    return true;
}

static void print_event(struct buf *out, const struct feed_event *ev)
{
    buf_lit(out, "id: ");
    buf_add(out, str_from(ev->id));
    buf_lit(out, "\nevent: ");
    buf_add(out, ev->type);
    buf_lit(out, "\ndata: ");
    buf_add(out, ev->data);
    buf_lit(out, "\n\n");
    metric_inc(&sent_events);
}

static void print_gap(struct buf *out)
{
    metric_inc(&gaps);
    buf_lit(out, "event: resync\ndata: {}\n\n");
}

/* Takes events as long as there is room for them, and sends. May free it. */
static void pump(struct stream *s)
{
    while (s->out.n - s->at < BUFFER_BYTES && !s->waits_for_room) {
        bool gap = false;
        struct feed_event *ev = feed_next(s->sub, &gap);
        if (gap)
            print_gap(&s->out);
        if (!ev)
            break;
        print_event(&s->out, ev);
        feed_event_unref(ev);
        if (s->out.n - s->at >= BUFFER_BYTES && !flush(s))
            break;
    }
    if (!buf_ok(&s->out) || !flush(s))
        close_stream(s);
}

static void run_post(struct post *p)
{
    struct stream *s = (struct stream *)(void *)((char *)p - offsetof(struct stream, post));
    atomic_store(&s->posted, false);
    if (s->dead)
        release(s);
    else if (!s->waits_for_room)
        pump(s);
}

static void stream_ready(struct watch *w, unsigned events)
{
    struct stream *s = (struct stream *)(void *)w;
    char sink[512];
    if (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) {
        close_stream(s);
        return;
    }
    if ((events & EPOLLIN) && recv(s->fd, sink, sizeof sink, MSG_DONTWAIT) == 0) {
        close_stream(s);
        return;
    }
    if (!(events & EPOLLOUT))
        return;
    if (!flush(s))
        close_stream(s);
    else if (!s->waits_for_room)
        pump(s);
}

/* A comment keeps proxies from closing the connection and finds clients that
 * are gone without a word. */
static void beat(struct timer *t)
{
    struct stream *s = (struct stream *)(void *)((char *)t - offsetof(struct stream, timer));
    if (s->waits_for_room && s->loop->now_ns - s->moved_ns > STALL_NS) {
        close_stream(s);
        return;
    }
    timer_set(&s->loop->wheel, t, s->loop->now_ns + COMMENT_NS);
    if (s->waits_for_room)
        return;
    buf_lit(&s->out, ": still here\n\n");
    if (!flush(s))
        close_stream(s);
}

static void link_stream(struct stream *s)
{
    struct loop *l = s->loop;
    s->next = l->streams;
    if (s->next)
        s->next->link = &s->next;
    s->link = &l->streams;
    l->streams = s;
    metric_add(&open_streams, 1);
}

void stream_headers(struct request *rq)
{
    rq->out_type = "text/event-stream";
    response_header(rq, "Cache-Control", STR("no-store"));
    response_header(rq, "X-Accel-Buffering", STR("no"));
}

/* The head of the answer: it ends with the connection, so has no length. */
static void print_head(struct exchange *ex, struct buf *out)
{
    stream_headers(&ex->rq);
    response_header(&ex->rq, "Content-Type", STR("text/event-stream"));
    answer_finish(ex);
    answer_print(ex, false, out);
    buf_lit(out, "retry: 2000\n\n");
}

static int subscribe(struct stream *s, struct exchange *ex)
{
    bool gap = false;
    size_t count;
    struct str last = optstr_or(head_find(&ex->head, STR("Last-Event-ID"), &count), STR(""));
    int rc = feed_subscribe(ex->srv->engine, &ex->rq.tenant, count == 1 ? last : STR(""), wake, s,
                            &s->sub, &gap, &ex->rq.err);
    if (rc == 0 && gap)
        print_gap(&s->out);
    return rc;
}

static struct stream *make(struct exchange *ex)
{
    struct stream *s = fault_calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->watch.ready = stream_ready;
    s->post.run = run_post;
    s->timer.fire = beat;
    s->loop = ex->loop;
    s->client = ex->client;
    s->moved_ns = s->loop->now_ns;
    return s;
}

/* It never came to be a stream; the connection is as before. */
static bool give_up(struct stream *s, struct exchange *ex, int rc, const char *text)
{
    if (s) {
        feed_unsubscribe(s->sub);
        if (atomic_load(&s->posted))
            s->dead = true;
        else
            release(s);
    }
    if (text)
        request_fail(&ex->rq, rc, "%s", text);
    ex->rc = rc;
    answer_finish(ex);
    return false;
}

bool stream_begin(struct exchange *ex)
{
    struct client *c = ex->client;
    /* streams_end() has been here, and comes again only at the loop's end. */
    if (ex->loop->draining)
        return give_up(NULL, ex, ERR_SHUTDOWN, "The server is shutting down");
    struct stream *s = make(ex);
    int rc = s ? subscribe(s, ex) : ERR_NOMEM;
    if (rc < 0)
        return give_up(s, ex, rc, s ? NULL : "Out of memory for the stream");
    s->fd = wire_take(c);
    if (s->fd < 0)
        return give_up(s, ex, ERR_BUSY, "No descriptor is left for the stream");
    c->fd = -1;
    c->ex = NULL;
    client_enter(c, CLIENT_STREAM);
    struct buf events = s->out;
    s->out = (struct buf)BUF_INIT;
    print_head(ex, &s->out);
    buf_add(&s->out, buf_str(&events));
    buf_free(&events);
    link_stream(s);
    timer_set(&s->loop->wheel, &s->timer, s->loop->now_ns + COMMENT_NS);
    exchange_over(ex, true);
    if (loop_watch(s->loop, s->fd, EPOLLIN | EPOLLRDHUP, &s->watch) < 0)
        close_stream(s);
    else
        pump(s);
    return true;
}

void streams_end(struct loop *l)
{
    struct stream *next;
    for (struct stream *s = l->streams; s; s = next) {
        next = s->next;
        if (!s->waits_for_room) {
            buf_lit(&s->out, "retry: 1000\n\n");
            flush(s);
        }
        shutdown(s->fd, SHUT_WR);
        close_stream(s);
    }
}
