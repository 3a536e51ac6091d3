/*
 * The read connections of a tenant: lent to one job at a time.
 *
 * At most config.readers_max; opened as they are needed, kept until the tenant
 * closes. A connection that outlives an opening of its tenant (because the file
 * was replaced under it) is closed when it comes back.
 */
#ifndef ROWHOUSE_ENGINE_POOL_H
#define ROWHOUSE_ENGINE_POOL_H

#include "engine/tenant.h"

struct pooled {
    struct reader reader;
    struct pooled *next;
    sqlite3_stmt *begin, *end;
    struct file_id file;
    unsigned generation;
    int64_t deadline_ns; /* of the job it is lent to; 0: none */
    int64_t busy_timeout_ns, busy_since_ns;
    bool patient;     /* may wait for another process's lock */
    bool interrupted; /* the deadline passed, or a lock was held */
};

/* Takes an idle one. NULL where there is none. The tenant's lock is held. */
struct pooled *pool_take_locked(struct tenant *t);

/* Opens one for the place that the caller has counted. ERR_REPLACED where the
 * name leads to another file than t has. */
int pool_open(struct engine *en, struct tenant *t, unsigned generation, struct file_id file,
              struct pooled **ret, struct err *e);

/* Gives it back, or closes it where it is of an old generation or broken. */
void pool_give_back(struct engine *en, struct tenant *t, struct pooled *p);

/* Closes the whole chain. */
void pool_close(struct engine *en, struct pooled *chain);

/*
 * Runs a job's read in one snapshot. ERR_AGAIN where it was interrupted at
 * deadline_ns, or (with *ret_stale) before it began because the name leads to
 * another file; job->err is as before then.
 */
int pool_run(struct pooled *p, struct job *job, int64_t deadline_ns, bool patient, bool *ret_stale);

/* Runs it on the calling thread where an idle connection is at hand; ERR_AGAIN
 * where it is not, or where the job took too long. */
int pool_run_inline(struct engine *en, struct tenant *t, struct job *job);

#endif
