/*
 * One tenant in memory: its state, its waiting jobs, its connections.
 *
 * Locks, in the order in which they may be taken: the registry's, a tenant's,
 * the ready queues'; the feed's are leaves. No callback runs under any of them.
 *
 * Who `owns` a tenant (one thread at a time, claimed under the tenant's lock)
 * may change its state and use its writer; readers are lent from the pool
 * meanwhile. Giving the tenant up schedules it again where jobs wait, so a
 * thread that finds it owned simply lets go.
 */
#ifndef ROWHOUSE_ENGINE_TENANT_H
#define ROWHOUSE_ENGINE_TENANT_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/conn.h"
#include "engine/engine.h"

struct pooled;
struct writer;

struct job_list {
    struct job *first, *last;
    unsigned n;
};

void job_list_add(struct job_list *l, struct job *job);
void job_list_put_back(struct job_list *l, struct job *job); /* to the front */
struct job *job_list_take(struct job_list *l);               /* NULL where it is empty */

/* The two kinds of threads that serve tenants. */
enum worker_kind { WORKER_WRITE, WORKER_READ, WORKER_KINDS };

/* In which of the registry's lists a tenant is. */
enum tenant_listed { LISTED_NOT, LISTED_OPEN, LISTED_FAILED };

struct tenant {
    struct tenant_name name;
    /* One for each job, for each ready queue it is in, for whoever looks at it,
     * and one while its state is not ABSENT. Only under the registry's lock do
     * they become 0, and the tenant is freed. */
    _Atomic unsigned refs;

    /* registry's lock */
    struct tenant *hash_next;
    struct tenant *newer, *older;
    enum tenant_listed listed;
    int64_t used_ns;

    pthread_mutex_t lock;
    /* lock */
    enum tenant_state state;
    bool owned;
    bool queued[WORKER_KINDS]; /* in the ready queue of that kind */
    bool stale;                /* its name was seen to lead elsewhere */
    bool close_wanted;         /* the engine closes */
    struct job_list writes, reads;
    struct err failure; /* while FAILED */
    int64_t retry_at_ns;
    unsigned generation; /* of the connections: counts the openings */
    struct file_id file; /* while READY */
    struct pooled *idle; /* the most recently used first */
    unsigned idle_count;
    unsigned readers, readers_busy; /* of this generation */
    unsigned workers;               /* reader threads that serve it now */
    bool writer_open;               /* tells others what only the owner may use */

    struct writer *writer; /* the owner's */

    struct tenant *ready_next[WORKER_KINDS]; /* ready queues' locks */
};

/* True where the state machine has that step. */
bool tenant_may_change(enum tenant_state from, enum tenant_state to);

/* What holds whenever the lock is free. */
bool tenant_invariant(const struct tenant *t);

/* Checks both. The lock is held, and the rest of the change is made. */
void tenant_change_locked(struct tenant *t, enum tenant_state to);

/* Takes the ownership where it is free. */
bool tenant_own(struct tenant *t);

/* Gives it up, and schedules the tenant where jobs wait. `self`: the kind of the
 * calling thread where it looks into its ready queue next, else WORKER_KINDS. */
void tenant_disown(struct engine *en, struct tenant *t, enum worker_kind self);
void tenant_disown_locked(struct engine *en, struct tenant *t, enum worker_kind self);

/* Puts the tenant into the ready queue of that kind, once. The lock is held. */
void tenant_schedule_locked(struct engine *en, struct tenant *t, enum worker_kind kind,
                            enum worker_kind self);

/*
 * For the owner. Opens, and where a waiting job asks for it makes, the tenant's
 * database. On failure every waiting job is answered with it and the tenant
 * remembers it (or is ABSENT again, where the failure was not the tenant's).
 */
int tenant_open(struct engine *en, struct tenant *t);

/* For the owner, READY or FAILED, no reader lent out. Checkpoints and closes. */
void tenant_close(struct engine *en, struct tenant *t);

/* For the owner, READY: gives the connections up without a checkpoint, because
 * the disk failed or the database is damaged. Waiting jobs get the failure. */
void tenant_fail(struct engine *en, struct tenant *t, const struct err *failure);

/* For the owner, READY: the file, or its WAL, was removed or replaced. Waiting
 * jobs keep waiting and are served from what the name leads to now. Where what
 * the file left behind cannot be put in order, they are answered with that, the
 * tenant stays READY and stale, and the next job tries again. */
int tenant_let_go(struct engine *en, struct tenant *t);

/* Answers a job that was queued, with rc and job->err. */
void job_finish(struct engine *en, struct job *job, int rc);

#endif
