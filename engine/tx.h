/*
 * What stands behind a `struct write_tx`, for the layers inside the engine.
 *
 * Whoever runs an application's function with a write_tx (the writer for a
 * job, the store for on_create) gives it the `tx` of one of these;
 * write_tx_ids(), write_tx_now() and write_tx_emit() find the rest from there.
 */
#ifndef ROWHOUSE_ENGINE_TX_H
#define ROWHOUSE_ENGINE_TX_H

#include "engine/engine.h"

struct tx_context {
    struct write_tx tx;
    struct uuid_gen *ids;    /* not owned */
    char now[RFC3339_BYTES]; /* of the whole job */
    struct job *job;         /* NULL outside of a job: events are dropped then */
};

static inline struct tx_context *tx_context_of(struct write_tx *tx)
{
    return (struct tx_context *)(void *)((char *)tx - offsetof(struct tx_context, tx));
}

#endif
