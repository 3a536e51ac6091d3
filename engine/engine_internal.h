/* What the files of the engine share: the engine itself. */
#ifndef ROWHOUSE_ENGINE_INTERNAL_H
#define ROWHOUSE_ENGINE_INTERNAL_H

#include "base/metrics.h"
#include "engine/catalog.h"
#include "engine/feed.h"
#include "engine/registry.h"
#include "engine/store.h"
#include "engine/worker.h"

struct engine {
    struct engine_config config;
    struct store *store;
    struct catalog *catalog;
    struct feed_hub *feed;
    struct registry registry;
    struct workers workers[WORKER_KINDS];

    _Atomic bool closing;
    _Atomic int64_t jobs;        /* submitted and not answered */
    _Atomic int64_t waiting;     /* of these, in a tenant's queue */
    _Atomic int64_t connections; /* open ones */

    pthread_mutex_t lock; /* a leaf; for the two conditions */
    pthread_cond_t changed;
    bool janitor_stop; /* lock */
    pthread_t janitor;
    bool janitor_runs;
};

/* One turn of a thread with a tenant from its ready queue. */
void writer_turn(struct engine *en, struct tenant *t);
void reader_turn(struct engine *en, struct tenant *t);

/* A job is answered: engine_close() waits for the last. */
void engine_job_gone(struct engine *en);

#endif
