/*
 * The wire on libmicrohttpd 0.9.75: the only file that knows the library.
 *
 * Each loop has a daemon of its own in external epoll mode, without a
 * listening socket: we accept, and hand connections in. What must be known of
 * this version (its source was read for each):
 *  - A response that is queued in the first call of the access handler ends
 *    the connection; only the last call keeps it alive.
 *  - Resuming does not wake anybody: we run the daemon ourselves.
 *  - It takes a request apart in place, so the bytes of the head lie in one
 *    piece, with NULs for line ends. A gap between the fields that no line end
 *    accounts for is a NUL byte or a folded line, and is refused (`torn`).
 *  - Query arguments are parsed into the connection's pool, 64 bytes each, which
 *    a long query would fill: the URI callback cuts the query off before, and
 *    it is put back when the head is copied.
 *  - Where Content-Length is not a number, or cookies fill the pool, it writes
 *    the head of its 400 or 431 twice. Its log tells of that before it writes:
 *    then the socket is taken away from it, and the answer is ours.
 *  - A connection's pool holds what was read (at first up to a half of it, so
 *    a next request too), an entry for each field and cookie, a copy of the
 *    cookies, and the answer's head: where there is no room for that, it closes
 *    without a word. So has_room() counts before anything is done, and a head
 *    that leaves too little is our 431.
 *  - The pool is zeroed whole after each request, so it is no larger than the
 *    largest head we accept needs, and idle connections are taken out of the
 *    library (client.h).
 *
 * Taking a socket back: its descriptor is duplicated, and replaced by a socket
 * whose other end is closed. The library then sees the end of a connection.
 *
 * Loop thread only.
 */
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/fault.h"
#include "http/exchange.h"
#include "http/server.h"
#include "http/stream.h"
#include "http/wire.h"

enum {
    POOL_BYTES = 64 << 10,
    READ_BYTES = 4096,
    ENTRY_BYTES = 64,    /* of the pool, for each field and cookie */
    DEAD_USES_MAX = 256, /* the kernel lets one file be watched 1,000 times at once */
    HEAD_ROOM = 4096     /* of the pool, for the answer's head, without what echoes the target */
};

struct wire {
    struct loop *loop;
    struct MHD_Daemon *daemon;
    int epoll_fd;                /* the daemon's */
    int dead_fd;                 /* a socket whose other end is closed */
    unsigned dead_uses;          /* how many connections got this one */
    struct wire_conn *handed_in; /* by the wire_add() that runs */
    struct wire_conn *heads;     /* those whose target was seen, but not all of the head */
};

enum wire_stage { STAGE_HEAD, STAGE_BODY, STAGE_WAIT, STAGE_ANSWER };

/* What we keep for a connection of the library. */
struct wire_conn {
    struct wire *wire;
    struct client *client; /* NULL: its socket was taken back */
    struct MHD_Connection *mhd;
    struct wire_conn *next, **link; /* in wire.heads; link NULL: in none */
    enum wire_stage stage;
    char *target; /* of the request, in the library's buffer */
    size_t target_bytes;
    size_t head_bytes;
    char *query;      /* where it was cut, or NULL */
    char query_first; /* the byte that was there */
};

static void leave_heads(struct wire_conn *wc)
{
    if (!wc->link)
        return;
    *wc->link = wc->next;
    if (wc->next)
        wc->next->link = wc->link;
    wc->link = NULL;
}

static void enter_heads(struct wire_conn *wc)
{
    struct wire *w = wc->wire;
    leave_heads(wc);
    wc->next = w->heads;
    if (wc->next)
        wc->next->link = &wc->next;
    wc->link = &w->heads;
    w->heads = wc;
}

/* The first thing seen of a request: its target, before the library takes it
 * apart. What is returned becomes *context of the calls that follow. */
static void *on_target(void *cls, const char *target, struct MHD_Connection *mhd)
{
    (void)cls;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct wire_conn *wc = info->socket_context;
    wc->stage = STAGE_HEAD;
    enter_heads(wc);
    /* The library's own buffer, which it is about to change as well. */
    wc->target = (char *)target;
    wc->target_bytes = target ? strlen(target) : 0;
    wc->query = wc->target_bytes ? memchr(wc->target, '?', wc->target_bytes) : NULL;
    if (wc->query) {
        wc->query_first = wc->query[1];
        wc->query[1] = '\0';
    }
    return wc;
}

/* Nothing is decoded in place: the router decodes by segments. */
static size_t leave_encoded(void *cls, struct MHD_Connection *mhd, char *s)
{
    (void)cls;
    (void)mhd;
    return strlen(s);
}

struct field_list {
    struct head head;
    struct header fields[HEAD_HEADERS_MAX];
    const char *end;   /* of what is accounted for */
    const char *limit; /* of the head's bytes */
};

static bool is_line_end(const char *from, const char *to)
{
    ptrdiff_t n = to - from;
    return (n == 1 || n == 2) && from[0] == '\0' && to[-1] == '\0';
}

static enum MHD_Result on_field(void *cls, enum MHD_ValueKind kind, const char *name,
                                size_t name_bytes, const char *value, size_t value_bytes)
{
    (void)kind;
    struct field_list *list = cls;
    if (list->head.n_headers == HEAD_HEADERS_MAX) {
        list->head.overflow = true;
        return MHD_NO;
    }
    if (!value) {
        value = name + name_bytes;
        value_bytes = 0;
    }
    /* The library moves a folded line to another place. */
    if (name < list->end || value < name || value + value_bytes > list->limit) {
        list->head.torn = true;
        return MHD_NO;
    }
    if (!is_line_end(list->end, name))
        list->head.torn = true;
    list->end = value + value_bytes;
    list->fields[list->head.n_headers++] =
        (struct header){str_make(name, name_bytes), str_trim(str_make(value, value_bytes))};
    return MHD_YES;
}

/* The head as the library holds it: "METHOD\0target\0HTTP/1.1\0\0name\0 value...",
 * from `method` on. Returns how many bytes it has. */
static size_t read_head(struct wire_conn *wc, const char *method, const char *version,
                        struct field_list *list)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(wc->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    size_t bytes = info ? info->header_size : 0;
    struct head *head = &list->head;
    if (wc->query) {
        wc->query[0] = '?';
        wc->query[1] = wc->query_first;
    }
    head->headers = list->fields;
    head->method = str_from(method);
    head->target = str_make(wc->target, wc->target_bytes);
    head->minor = strcmp(version, "HTTP/1.0") == 0 ? 0 : 1;
    head->torn =
        wc->target != method + head->method.n + 1 || version != wc->target + wc->target_bytes + 1;
    list->end = version + strlen(version);
    list->limit = method + bytes;
    MHD_get_connection_values_n(wc->mhd, MHD_HEADER_KIND, on_field, list);
    /* One more line end, of the empty line. */
    ptrdiff_t rest = method + bytes - list->end;
    if (!head->overflow && (rest < 2 || rest > 4))
        head->torn = true;
    for (ptrdiff_t i = 0; !head->overflow && !head->torn && i < rest; i++)
        head->torn = list->end[i] != '\0';
    return bytes;
}

static enum MHD_Result add_use(void *cls, enum MHD_ValueKind kind, const char *name,
                               size_t name_bytes, const char *value, size_t value_bytes)
{
    (void)name;
    (void)value;
    size_t *use = cls;
    *use += ENTRY_BYTES;
    if (kind != MHD_HEADER_KIND)
        *use += name_bytes + value_bytes + 4;
    return MHD_YES;
}

/* True where the pool is certain to have room for the answer's head, whatever
 * else has been read: the next request, trailers. */
static bool has_room(struct wire_conn *wc, size_t head_bytes)
{
    size_t use = head_bytes + READ_BYTES;
    if (use < POOL_BYTES / 2)
        use = POOL_BYTES / 2;
    MHD_get_connection_values_n(wc->mhd, MHD_HEADER_KIND | MHD_COOKIE_KIND | MHD_FOOTER_KIND,
                                add_use, &use);
    return use + HEAD_ROOM + wc->target_bytes <= POOL_BYTES;
}

static void add_headers(struct MHD_Response *response, const struct exchange *ex)
{
    char value[9000], name[64];
    for (size_t i = 0; i < ex->n_headers + ex->rq.n_headers; i++) {
        const struct header *h =
            i < ex->n_headers ? &ex->headers[i] : &ex->rq.headers[i - ex->n_headers];
        if (h->name.n >= sizeof name || h->value.n >= sizeof value)
            continue;
        memcpy(name, h->name.p, h->name.n);
        name[h->name.n] = '\0';
        memcpy(value, h->value.p, h->value.n);
        value[h->value.n] = '\0';
        MHD_add_response_header(response, name, value);
    }
    if (ex->must_close)
        MHD_add_response_header(response, "Connection", "close");
}

/* Hands the READY answer to the library. The body stays ours: the exchange
 * lives until the library says that it is done. */
static enum MHD_Result queue_answer(struct wire_conn *wc)
{
    struct exchange *ex = wc->client->ex;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(ex->rq.out.n, ex->rq.out.p, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    add_headers(response, ex);
    wc->stage = STAGE_ANSWER;
    client_enter(wc->client, CLIENT_ANSWER);
    enum MHD_Result rc = MHD_queue_response(wc->mhd, (unsigned)ex->rq.status, response);
    MHD_destroy_response(response);
    return rc;
}

static enum MHD_Result act(struct wire_conn *wc, enum exchange_step step)
{
    if (step == STEP_STREAM)
        return stream_begin(wc->client->ex) ? MHD_NO : queue_answer(wc);
    if (step == STEP_READY)
        return queue_answer(wc);
    wc->stage = STAGE_WAIT;
    MHD_suspend_connection(wc->mhd);
    return MHD_YES;
}

/* Sends a READY answer on the socket itself; the library sees the end of its
 * connection. False where the socket cannot be taken back. */
static bool answer_without_library(struct client *c, struct exchange *ex)
{
    struct buf bytes = BUF_INIT;
    int fd = wire_take(c);
    if (fd < 0)
        return false;
    answer_print(ex, true, &bytes);
    c->ex = NULL;
    client_send_last(c, fd, buf_str(&bytes));
    buf_free(&bytes);
    exchange_over(ex, true);
    return true;
}

static enum MHD_Result begin(struct wire_conn *wc, const char *method, const char *version)
{
    struct client *c = wc->client;
    leave_heads(wc);
    struct field_list list; /* 16 KB: not zeroed as a whole */
    list.head = (struct head){.n_headers = 0};
    list.end = NULL;
    size_t bytes = read_head(wc, method, version, &list);
    bool room = has_room(wc, bytes);
    wc->head_bytes = bytes;
    list.head.too_large = !room || bytes > HEAD_BYTES_MAX;
    c->ex = exchange_new(c, &list.head, method, bytes);
    if (!c->ex)
        return MHD_NO;
    bool go_on = exchange_begin(c->ex);
    client_account(c, bytes + c->ex->in.length, !c->ex->in.chunked);
    wc->stage = STAGE_BODY;
    if (!go_on && !room) {
        answer_without_library(c, c->ex);
        return MHD_NO;
    }
    if (!go_on) {
        c->linger = true;
        return queue_answer(wc);
    }
    client_enter(c, c->ex->in.chunked || c->ex->in.length ? CLIENT_BODY : CLIENT_HANDLER);
    return MHD_YES;
}

/* The library logs that it refuses a head, right before it writes the answer.
 * The one it talks of has its head received but has not begun. */
static void on_log(void *cls, const char *fmt, va_list args)
{
    struct wire *w = cls;
    struct wire_conn *wc = w->heads;
    while (wc && !MHD_get_connection_info(wc->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE))
        wc = wc->next;
    if (!wc || !wc->client || !strstr(fmt, "HTTP response code is %u"))
        return;
    bool cookies = va_arg(args, unsigned) == MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
    struct exchange *ex =
        cookies ? exchange_instead(wc->client, NULL, 431, "headers-too-large", "Too many cookies")
                : exchange_instead(wc->client, NULL, 400, "malformed",
                                   "Content-Length is not a decimal number");
    leave_heads(wc);
    if (ex && !answer_without_library(wc->client, ex))
        exchange_free(ex);
}

/* False where they left no room for the answer: it was sent already. */
static bool trailers_fit(struct wire_conn *wc)
{
    struct exchange *ex = wc->client->ex;
    if (has_room(wc, wc->head_bytes))
        return true;
    exchange_refuse(ex, 431, "headers-too-large", "Too many trailers");
    ex->must_close = true;
    answer_finish(ex);
    answer_without_library(wc->client, ex);
    return false;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_bytes, void **context)
{
    (void)cls;
    (void)mhd;
    (void)url;
    struct wire_conn *wc = *context;
    if (!wc->client)
        return MHD_NO;
    if (wc->stage == STAGE_HEAD)
        return begin(wc, method, version);
    if (*body_bytes > 0) {
        struct str part = str_make(body, *body_bytes);
        client_progress(wc->client, part.n);
        *body_bytes = 0;
        if (exchange_body(wc->client->ex, part))
            return MHD_YES;
        /* Too large to be read to its end: the answer goes out at once. */
        answer_without_library(wc->client, wc->client->ex);
        return MHD_NO;
    }
    if (wc->stage == STAGE_WAIT)
        return act(wc, exchange_resumed(wc->client->ex));
    if (wc->client->ex->in.chunked && !trailers_fit(wc))
        return MHD_NO;
    if (wc->client->phase == CLIENT_BODY)
        client_enter(wc->client, CLIENT_HANDLER);
    return act(wc, exchange_run(wc->client->ex));
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode how)
{
    (void)cls;
    (void)mhd;
    struct wire_conn *wc = *context;
    *context = NULL;
    struct client *c = wc ? wc->client : NULL;
    if (!c)
        return;
    struct exchange *ex = c->ex;
    bool sent = how == MHD_REQUEST_TERMINATED_COMPLETED_OK;
    c->ex = NULL;
    if (ex)
        exchange_over(ex, sent);
    if (sent)
        client_enter(c, CLIENT_IDLE);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct wire *w = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct wire_conn *wc = w->handed_in;
        wc->mhd = mhd;
        wc->client->handle = wc;
        *socket_context = wc;
        return;
    }
    struct wire_conn *wc = *socket_context;
    if (wc && wc->client)
        client_closed_by_wire(wc->client);
    if (wc)
        leave_heads(wc);
    free(wc);
}

static int make_dead_socket(void)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return -1;
    close(pair[1]);
    return pair[0];
}

int wire_open(struct loop *l, struct wire **ret, struct err *e)
{
    struct wire *w = fault_calloc(1, sizeof *w);
    if (!w)
        return err_set(e, ERR_NOMEM, "Out of memory");
    w->loop = l;
    w->dead_fd = make_dead_socket();
    if (w->dead_fd >= 0)
        w->daemon = MHD_start_daemon(
            MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO |
                MHD_USE_ERROR_LOG,
            0, NULL, NULL, on_request, w, MHD_OPTION_EXTERNAL_LOGGER, on_log, w,
            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
            MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)READ_BYTES, MHD_OPTION_CONNECTION_LIMIT,
            1u << 24, MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_URI_LOG_CALLBACK, on_target, w,
            MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, w, MHD_OPTION_NOTIFY_COMPLETED,
            on_completed, w, MHD_OPTION_NOTIFY_CONNECTION, on_connection, w,
            MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        w->daemon ? MHD_get_daemon_info(w->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info) {
        wire_close(w);
        return err_set(e, ERR_INTERNAL, "libmicrohttpd does not start");
    }
    w->epoll_fd = info->epoll_fd;
    *ret = w;
    return 0;
}

void wire_close(struct wire *w)
{
    if (!w)
        return;
    /* The library cannot stop with suspended connections. */
    for (struct client *c = w->loop->clients; c; c = c->next) {
        const struct wire_conn *wc = c->handle;
        if (wc && wc->stage == STAGE_WAIT)
            MHD_resume_connection(wc->mhd);
    }
    if (w->daemon)
        MHD_stop_daemon(w->daemon);
    if (w->dead_fd >= 0)
        close(w->dead_fd);
    free(w);
}

int wire_fd(const struct wire *w)
{
    return w->epoll_fd;
}

bool wire_run(struct wire *w)
{
    MHD_UNSIGNED_LONG_LONG timeout = 0;
    MHD_run(w->daemon);
    return MHD_get_timeout(w->daemon, &timeout) == MHD_YES && timeout == 0;
}

bool wire_add(struct wire *w, struct client *c)
{
    struct sockaddr_storage addr = {.ss_family = AF_INET6};
    struct wire_conn *wc = fault_calloc(1, sizeof *wc);
    int fd = c->fd;
    if (!wc) {
        client_free(c);
        close(fd);
        return false;
    }
    wc->wire = w;
    wc->client = c;
    w->handed_in = wc;
    bool ok = MHD_add_connection(w->daemon, fd, (const struct sockaddr *)&addr,
                                 sizeof(struct sockaddr_in6)) == MHD_YES;
    w->handed_in = NULL;
    w->loop->wire_due = true;
    if (!ok && !wc->mhd) { /* else on_connection() has seen its end */
        client_free(c);
        free(wc);
    }
    return ok;
}

void wire_resume(struct client *c)
{
    struct wire_conn *wc = c->handle;
    MHD_resume_connection(wc->mhd);
    c->loop->wire_due = true;
}

/* The socket that a taken one is replaced by. */
static int dead_socket(struct wire *w)
{
    if (++w->dead_uses > DEAD_USES_MAX) {
        int fresh = make_dead_socket();
        if (fresh >= 0) {
            close(w->dead_fd);
            w->dead_fd = fresh;
            w->dead_uses = 1;
        }
    }
    return w->dead_fd;
}

int wire_take(struct client *c)
{
    struct wire_conn *wc = c->handle;
    struct wire *w = wc->wire;
    int fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return -errno;
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLET,
                             .data.ptr = wc->mhd};
    bool watched = epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL) == 0;
    if (dup3(dead_socket(w), c->fd, O_CLOEXEC) < 0) {
        int saved = errno;
        close(fd);
        return -saved;
    }
    if (watched)
        epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, c->fd, &ev);
    wc->client = NULL;
    c->handle = NULL;
    c->loop->wire_due = true;
    return fd;
}
