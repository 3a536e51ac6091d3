/*
 * What a job may ask of its write transaction. Its own thread only.
 */
#include "engine/tx.h"

#include "engine/feed.h"

struct uuid_gen *write_tx_ids(struct write_tx *tx)
{
    return tx_context_of(tx)->ids;
}

struct str write_tx_now(struct write_tx *tx)
{
    return str_from(tx_context_of(tx)->now);
}

int write_tx_emit(struct write_tx *tx, struct str type, struct str data)
{
    struct job *job = tx_context_of(tx)->job;
    if (!job)
        return 0;
    struct feed_event *ev = feed_event_new(type, data);
    if (!ev)
        return err_set(&job->err, ERR_NOMEM, "memory is out");
    ev->next = job->events; /* the newest first, until they are published */
    job->events = ev;
    return 0;
}
