/*
 * What TCP knows of a connection. Any thread.
 */
#ifndef ROWHOUSE_HTTP_TCP_H
#define ROWHOUSE_HTTP_TCP_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes since the connection began. */
struct tcp_bytes {
    uint64_t received; /* in order, whether read or not */
    uint64_t sent;     /* repeated ones again */
    uint64_t acked;    /* by the other side */
};

/* False for a socket that is not TCP. */
bool tcp_read_bytes(int fd, struct tcp_bytes *ret);

#endif
