/*
 * Idempotency keys: the answer to a write is stored in the tenant's own
 * database, in the transaction of that write, for 24 hours. So a key holds
 * over a crash, and never reaches another tenant.
 */
#ifndef ROWHOUSE_ENGINE_IDEMPOTENCY_H
#define ROWHOUSE_ENGINE_IDEMPOTENCY_H

#include "engine/engine.h"

enum { IDEMPOTENCY_KEY_MAX = 255, IDEMPOTENCY_HOURS = 24 };

struct idempotency_answer {
    int status;
    struct str headers; /* opaque to the engine */
    struct str body;
    struct str request_hash; /* 32 bytes: BLAKE2b-256 of what must be the same again */
};

/* ERR_NOT_FOUND where the key is not stored or older than 24 hours. The answer
 * is in the arena. */
int idempotency_find(struct write_tx *tx, struct str key, struct arena *arena,
                     struct idempotency_answer *ret, struct err *e);

/* Stores the answer, and removes a bounded number of expired ones. */
int idempotency_store(struct write_tx *tx, struct str key, const struct idempotency_answer *a,
                      struct err *e);

#endif
