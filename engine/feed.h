/*
 * The feed's hub: rings of the last events, and who watches them.
 *
 * Tenants are spread over shards with a lock each. A ring with subscribers is
 * always kept; the others are kept in order of use, bounded in number and bytes
 * a shard, so that a client that reconnects soon finds what it missed.
 */
#ifndef ROWHOUSE_ENGINE_FEED_H
#define ROWHOUSE_ENGINE_FEED_H

#include "engine/engine.h"

enum {
    FEED_RING_EVENTS = 256,
    FEED_RING_BYTES = 1 << 20,
    FEED_SHARDS = 16,
    FEED_SHARD_IDLE_RINGS = 128,
    FEED_SHARD_IDLE_BYTES = 2 << 20
};

struct feed_hub;

int feed_hub_open(struct feed_hub **ret, struct err *e);

/* Nobody may be subscribed any more. NULL is allowed. */
void feed_hub_close(struct feed_hub *h);

/* A new event with no id and one reference; NULL where memory is out. */
struct feed_event *feed_event_new(struct str type, struct str data);

/* Which database events are of: its inode and when it was made, since inodes are
 * used again. */
struct feed_source {
    uint64_t inode;
    int64_t made_ns; /* 0 where the file system does not say */
};

/* The name leads to this database now: what is held of another one is forgotten,
 * and who watches is told of a gap. */
void feed_bind(struct feed_hub *h, const struct tenant_name *t, struct feed_source source);

/* Takes over a chain of events in order, gives each its id, wakes who watches. */
void feed_publish(struct feed_hub *h, const struct tenant_name *t, struct feed_source source,
                  struct feed_event *chain);

/* Unrefs a chain that is not to be published. */
void feed_discard(struct feed_event *chain);

int feed_hub_subscribe(struct feed_hub *h, const struct tenant_name *t, struct str last_id,
                       void (*wake)(void *ctx), void *ctx, struct feed_subscription **ret,
                       bool *ret_gap, struct err *e);

#endif
