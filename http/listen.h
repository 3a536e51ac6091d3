/*
 * Listening sockets: addresses and ports of our own, or systemd's.
 */
#ifndef ROWHOUSE_HTTP_LISTEN_H
#define ROWHOUSE_HTTP_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { LISTENERS_MAX = 16 };

struct listeners {
    int fds[LISTENERS_MAX];
    unsigned n;
    int port;          /* of the first */
    bool from_systemd; /* they outlive us: another process may go on with them */
};

/* Binds `host` (NULL: loopback, IPv4 and IPv6; or a list with commas; "*":
 * every address), `port` (0: any, the same for all). ERR_EXISTS where it is
 * taken, ERR_USAGE for what else is wrong, with one line that says so. Takes systemd's sockets instead where there
 * are some and `systemd` is set. */
int listeners_open(const char *host, int64_t port, bool systemd, struct listeners *ret,
                   struct err *e);

/* Takes a zeroed one. */
void listeners_close(struct listeners *l);

#endif
