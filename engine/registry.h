/*
 * The tenants in memory: those that are open, that failed a moment ago, or
 * that have jobs. Everything here takes a constant number of steps, however
 * many there are. Any thread; one mutex, the first in the order of locks.
 */
#ifndef ROWHOUSE_ENGINE_REGISTRY_H
#define ROWHOUSE_ENGINE_REGISTRY_H

#include "engine/tenant.h"

enum { REGISTRY_BUCKETS = 8192, REGISTRY_FAILED_MAX = 1024, REGISTRY_LOOK_AT = 32 };

struct tenant_order {
    struct tenant *newest, *oldest;
    unsigned n;
};

struct registry {
    pthread_mutex_t lock;
    unsigned char key[16];      /* names come from outside: the hash is keyed */
    struct tenant **buckets;    /* lock; owned */
    struct tenant_order open;   /* lock; by last use */
    struct tenant_order failed; /* lock; by time of failure */
    unsigned reserved;          /* lock; tenants that are open or being opened */
    unsigned reserved_max;
};

int registry_init(struct registry *r, unsigned open_max, struct err *e);
void registry_free(struct registry *r);

/* The tenant with one reference for the caller, made where it is not known.
 * NULL where memory is out. `use`: counts as a use of it. */
struct tenant *registry_take(struct registry *r, const struct tenant_name *name, bool use);

/* As registry_take, but NULL where it is not known. */
struct tenant *registry_find(struct registry *r, const struct tenant_name *name);

void tenant_ref(struct tenant *t);
void registry_unref(struct registry *r, struct tenant *t);

/* Counts a tenant that will be opened. Returns NULL, or an open one that has to
 * be closed first: owned by the caller, with a reference. */
struct tenant *registry_reserve(struct registry *r);

/* The reserved one is open; or it is not, any more or after all. */
void registry_opened(struct registry *r, struct tenant *t);
void registry_unreserve(struct registry *r);

/* Keeps a failed tenant in order of time; or forgets it. Returns NULL, or the
 * oldest failure that makes room, as registry_reserve() does. */
struct tenant *registry_failed(struct registry *r, struct tenant *t);
void registry_unlist(struct registry *r, struct tenant *t);

/* An open tenant not used since then, or a failed one that may be tried again:
 * owned by the caller, with a reference. NULL where there is none. */
struct tenant *registry_expired(struct registry *r, int64_t unused_since_ns, int64_t now_ns);

/* Any open or failed tenant with a reference, not owned; NULL: none is left.
 * It is moved to the front, so that asking again gives another. */
struct tenant *registry_any(struct registry *r);

unsigned registry_open_count(struct registry *r);

#endif
