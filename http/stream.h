/*
 * Server-sent events: a tenant's feed as text/event-stream.
 *
 * A stream holds its socket itself, without the HTTP library: it costs a few
 * hundred bytes while nothing happens. Loop thread only.
 */
#ifndef ROWHOUSE_HTTP_STREAM_H
#define ROWHOUSE_HTTP_STREAM_H

#include "http/exchange.h"

/* Makes a stream of the exchange's connection, whose socket is taken from the
 * library. True: the exchange is over. False: it could not be; the exchange is
 * READY with the problem. */
bool stream_begin(struct exchange *ex);

/* The headers that a stream's answer has, whatever asks for it. */
void stream_headers(struct request *rq);

/* Draining: ends every stream of the loop, telling clients to come again. */
void streams_end(struct loop *l);

#endif
