/*
 * Until when each phase of a connection may last.
 *
 * All times are settings. A body must not be idle for longer than
 * body_timeout, and after its first 10 s must come at 1 KiB/s or more, seen
 * over windows of 10 s; an answer must be taken by the client at the same
 * rate. Loop thread only.
 */
#ifndef ROWHOUSE_HTTP_DEADLINE_H
#define ROWHOUSE_HTTP_DEADLINE_H

#include "http/client.h"

/* When to look at the connection first in the phase it has just entered. */
int64_t deadline_first(const struct client *c);

/* The timer of a connection: acts on what was missed, or sets itself again. */
void deadline_check(struct timer *t);

/* Ends the waiting for a handler by a 503. */
void deadline_answer_instead(struct client *c, const char *type, const char *detail);

#endif
