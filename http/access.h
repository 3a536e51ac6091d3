/*
 * What is noted of every request: its id, its line in the log, the metrics.
 * Loop thread.
 */
#ifndef ROWHOUSE_HTTP_ACCESS_H
#define ROWHOUSE_HTTP_ACCESS_H

#include "http/exchange.h"

enum { ACCESS_ID_BYTES = 40 };

/* A request id that no other request has, as a C string. */
void access_new_id(struct loop *l, char *to);

/* The client's own request id where it is plain, else a new one. */
void access_request_id(struct exchange *ex);

/* Once a request: one line and the counters. */
void access_note(struct exchange *ex, bool sent);

#endif
