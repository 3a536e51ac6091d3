/*
 * A client's connection: who holds its socket, in which phase it is, and until
 * when the phase may last.
 *
 *   FRESH ──bytes──► HEAD ──head──► BODY ──all──► HANDLER ──answer──► ANSWER
 *     │ nothing sent   ▲              │                ▲                │
 *     ▼                │              └────────────────┘                ▼
 *   closed           PARKED ◄──quiet for a while── IDLE ◄──────── kept alive
 *
 * In FRESH and PARKED the loop holds the socket itself: such a connection costs
 * a few hundred bytes. In the other phases the HTTP library holds it. LINGER:
 * the answer is out and our side is shut; what the client still sends is read
 * and dropped for a while, so that the answer reaches it. STREAM: stream.c has
 * the socket.
 *
 * Deadlines are checked by one timer a connection, which is set late and
 * looks at the phase when it fires; entering a phase costs no system call.
 * A rate is measured in what TCP has carried, so one byte a second holds
 * nothing. Loop thread only.
 */
#ifndef ROWHOUSE_HTTP_CLIENT_H
#define ROWHOUSE_HTTP_CLIENT_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "http/loop.h"

enum client_phase {
    CLIENT_FRESH,
    CLIENT_PARKED,
    CLIENT_HEAD,
    CLIENT_BODY,
    CLIENT_HANDLER,
    CLIENT_ANSWER,
    CLIENT_IDLE,
    CLIENT_LINGER,
    CLIENT_STREAM
};

struct client {
    struct watch watch; /* in FRESH, PARKED and LINGER */
    struct timer timer;
    struct loop *loop;
    struct client *next, **link;
    int fd;              /* -1: somebody else has it now (a stream) */
    void *handle;        /* the library's connection, while it has the socket */
    struct exchange *ex; /* the request that is being served */
    enum client_phase phase;
    bool shut;                   /* a deadline closed it; waiting for the library to see */
    bool linger;                 /* after the library closes it, LINGER */
    bool inexact;                /* `accounted` cannot be trusted: a chunked body */
    int64_t phase_ns;            /* when the phase began */
    int64_t progress_ns;         /* when bytes moved last */
    uint64_t progress_bytes;     /* moved in this phase, or TCP's count of them */
    int64_t window_ns;           /* the window in which the rate is measured */
    uint64_t window_bytes;       /* progress_bytes when it began */
    uint64_t accounted;          /* bytes of all requests that were read to their end */
    struct in6_addr address;     /* IPv4 mapped; for limits */
    bool local;                  /* from loopback, or a socket without addresses */
    char text[INET6_ADDRSTRLEN]; /* the address */
};

/* Takes the accepted socket over. False, and the socket is still the caller's,
 * where a limit is reached or memory is out. */
bool client_open(struct loop *l, int fd, const struct sockaddr_storage *addr);

void client_enter(struct client *c, enum client_phase phase);

/* Bytes of the request's body arrived. */
void client_progress(struct client *c, size_t n);

/* The request in `ex` was read to its end: `n` bytes from its first one, or
 * inexact. */
void client_account(struct client *c, uint64_t n, bool exact);

/* The library closed the connection; fd is still open for this call. */
void client_closed_by_wire(struct client *c);

/* Sends bytes on a socket that the library does not hold any more (fd), then
 * lingers. What does not fit the socket's buffer is given up. */
void client_send_last(struct client *c, int fd, struct str bytes);

/* Takes an idle connection back from the library. */
void client_park(struct client *c);

/* Draining: closes what is idle, or everything `at_once`. May free it. */
void client_drain(struct client *c, bool at_once);

/* Frees it; the socket is closed where it is ours. */
void client_free(struct client *c);

#endif
