/*
 * Idempotency keys, the side of HTTP: reading the key, what the request's hash
 * covers, which keys are in progress, and storing and replaying answers
 * (engine/idempotency.h keeps them).
 */
#ifndef ROWHOUSE_HTTP_IDEMPOTENT_H
#define ROWHOUSE_HTTP_IDEMPOTENT_H

#include <pthread.h>

#include "http/head.h"

struct exchange;

/* Of one request. */
struct idempotent {
    struct str key; /* "" for none */
    uint8_t hash[32];
    bool held;               /* in the table of those in progress */
    bool replayed;           /* the answer is a stored one */
    struct idempotent *next; /* in the table */
    struct tenant_name tenant;
};

enum { IDEMPOTENT_SLOTS = 1024 };

/* Which keys are in progress. Any thread; its own lock. */
struct idempotent_table {
    pthread_mutex_t lock;
    struct idempotent *slots[IDEMPOTENT_SLOTS];
    uint8_t seed[16];
};

void idempotent_table_init(struct idempotent_table *t);

/* Reads the Idempotency-Key field. ERR_MALFORMED. */
int idempotent_read(const struct head *h, struct idempotent *ret, struct err *e);

/* False where the tenant's key is in progress already. */
bool idempotent_hold(struct idempotent_table *t, struct idempotent *i,
                     const struct tenant_name *tenant);
void idempotent_release(struct idempotent_table *t, struct idempotent *i);

/* In the write's transaction: 1: the answer was replayed, 0: none is stored,
 * negative: the request fails. */
int idempotent_replay(struct exchange *ex, struct write_tx *tx);

/* In the write's transaction, after the write: stores the answer. */
int idempotent_keep(struct exchange *ex, struct write_tx *tx);

/* What "the same request" means: method, path, content type and body. */
void idempotent_hash(struct exchange *ex);

#endif
