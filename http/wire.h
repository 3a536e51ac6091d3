/*
 * The door to the HTTP library: parsing requests, writing answers.
 *
 * Only mhd.c behind it knows which library that is. One wire a loop, used by
 * the loop's thread only. A connection is handed in with its socket; from then
 * on the library reads and writes it and closes it, until wire_take() gets the
 * socket back.
 */
#ifndef ROWHOUSE_HTTP_WIRE_H
#define ROWHOUSE_HTTP_WIRE_H

#include "http/client.h"
#include "http/head.h"

int wire_open(struct loop *l, struct wire **ret, struct err *e);

/* Closes the connections that the library still has. NULL is allowed. */
void wire_close(struct wire *w);

/* To be watched for input. */
int wire_fd(const struct wire *w);

/* Does what can be done now. True where there is more to do at once. */
bool wire_run(struct wire *w);

/* Hands a connection with its socket over. False: the library could not take
 * it, the socket is closed and the connection freed. */
bool wire_add(struct wire *w, struct client *c);

/* Goes on with a request that was waiting for its answer. */
void wire_resume(struct client *c);

/* Takes the socket of a connection back; the library is left with a dead one
 * and will close the connection by itself. Negative errno on failure. */
int wire_take(struct client *c);

#endif
