/*
 * Accepting connections, and answering where there is no room for one.
 */
#ifndef ROWHOUSE_HTTP_ACCEPT_H
#define ROWHOUSE_HTTP_ACCEPT_H

#include "http/loop.h"

/* Begins to accept on the server's listening sockets. */
int accept_start(struct loop *l, struct err *e);

/* Takes what is in the backlog, then accepts no more. */
void accept_stop(struct loop *l);

#endif
