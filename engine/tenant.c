/*
 * The state machine of a tenant.
 *
 *              +--------- ABSENT <----------+-------------------+
 *              v            ^               |                   |
 *      +--> OPENING --------+               |                   |
 *      |     |  ^  \        |               |                   |
 *      |     |  |   v       |               |                   |
 *      |     |  | CREATING -+          IDLE_CLOSING         DELETING
 *      |     v  |           |               ^                   ^
 *      | MIGRATING ---------+               |                   |
 *      |     |                              |                   |
 *      |     v                              |                   |
 *      |   READY ---------------------------+-------------------+
 *      |     |            (OPENING, CREATING and MIGRATING may also
 *      |     v             end in FAILED; FAILED in ABSENT)
 *      +-- FAILED
 *
 * Only the owner makes a step; the steps out of ABSENT, IDLE_CLOSING and
 * DELETING take no job with them, as jobs wait for a tenant and not for a
 * state. Opening and closing themselves are in tenant_open.c.
 */
#include "engine/tenant.h"

#include <assert.h>

#include "engine/engine_internal.h"

#define STEP(state) (1U << (state))

static const unsigned steps[] = {
    [TENANT_ABSENT] = STEP(TENANT_OPENING),
    [TENANT_OPENING] = STEP(TENANT_CREATING) | STEP(TENANT_MIGRATING) | STEP(TENANT_READY) |
                       STEP(TENANT_FAILED) | STEP(TENANT_ABSENT),
    [TENANT_CREATING] = STEP(TENANT_OPENING) | STEP(TENANT_FAILED) | STEP(TENANT_ABSENT),
    [TENANT_MIGRATING] = STEP(TENANT_READY) | STEP(TENANT_FAILED) | STEP(TENANT_ABSENT),
    [TENANT_READY] = STEP(TENANT_IDLE_CLOSING) | STEP(TENANT_FAILED) | STEP(TENANT_DELETING),
    [TENANT_IDLE_CLOSING] = STEP(TENANT_ABSENT),
    [TENANT_FAILED] = STEP(TENANT_OPENING) | STEP(TENANT_ABSENT),
    [TENANT_DELETING] = STEP(TENANT_ABSENT),
};

const char *tenant_state_name(enum tenant_state s)
{
    static const char *const names[] = {
        [TENANT_ABSENT] = "absent",   [TENANT_CREATING] = "creating",
        [TENANT_OPENING] = "opening", [TENANT_MIGRATING] = "migrating",
        [TENANT_READY] = "ready",     [TENANT_IDLE_CLOSING] = "idle-closing",
        [TENANT_FAILED] = "failed",   [TENANT_DELETING] = "deleting",
    };
    return (unsigned)s < sizeof names / sizeof *names ? names[s] : "unknown";
}

bool tenant_may_change(enum tenant_state from, enum tenant_state to)
{
    return (unsigned)from < sizeof steps / sizeof *steps && (steps[from] & STEP(to));
}

#define IMPLIES(a, b) (!(a) || (b))

bool tenant_invariant(const struct tenant *t)
{
    bool ready = t->state == TENANT_READY;
    bool failed = t->state == TENANT_FAILED;
    bool resting = t->state == TENANT_ABSENT || ready || failed;
    return IMPLIES(!resting, t->owned) &&
           /* connections are there when it is READY, and only then */
           t->writer_open == ready && IMPLIES(!ready, t->readers == 0 && t->idle == NULL) &&
           (t->idle_count == 0) == (t->idle == NULL) &&
           t->idle_count + t->readers_busy == t->readers &&
           /* a failure is remembered when it is FAILED, and only then */
           failed == (t->failure.code != OK) && IMPLIES(t->stale, ready) &&
           /* whoever waits will be served */
           IMPLIES(t->writes.n > 0, t->owned || t->queued[WORKER_WRITE]) &&
           IMPLIES(t->reads.n > 0,
                   t->owned || t->queued[WORKER_READ] || t->workers > 0 || t->readers_busy > 0) &&
           (t->writes.n == 0) == (t->writes.first == NULL) &&
           (t->reads.n == 0) == (t->reads.first == NULL);
}

void tenant_change_locked(struct tenant *t, enum tenant_state to)
{
    assert(t->owned && tenant_may_change(t->state, to));
    t->state = to;
    assert(tenant_invariant(t));
}

bool tenant_own(struct tenant *t)
{
    pthread_mutex_lock(&t->lock);
    bool mine = !t->owned;
    t->owned = true;
    pthread_mutex_unlock(&t->lock);
    return mine;
}

void tenant_schedule_locked(struct engine *en, struct tenant *t, enum worker_kind kind,
                            enum worker_kind self)
{
    if (t->queued[kind])
        return;
    t->queued[kind] = true;
    workers_push(&en->workers[kind], t, kind == self);
}

void tenant_disown_locked(struct engine *en, struct tenant *t, enum worker_kind self)
{
    assert(t->owned);
    t->owned = false;
    if (t->writes.n || (t->close_wanted && t->state != TENANT_ABSENT))
        tenant_schedule_locked(en, t, WORKER_WRITE, self);
    if (t->reads.n)
        tenant_schedule_locked(en, t, WORKER_READ, self);
    assert(tenant_invariant(t));
}

void tenant_disown(struct engine *en, struct tenant *t, enum worker_kind self)
{
    pthread_mutex_lock(&t->lock);
    tenant_disown_locked(en, t, self);
    pthread_mutex_unlock(&t->lock);
}

void job_list_add(struct job_list *l, struct job *job)
{
    job->next = NULL;
    if (l->last)
        l->last->next = job;
    else
        l->first = job;
    l->last = job;
    l->n++;
}

void job_list_put_back(struct job_list *l, struct job *job)
{
    job->next = l->first;
    l->first = job;
    if (!l->last)
        l->last = job;
    l->n++;
}

struct job *job_list_take(struct job_list *l)
{
    struct job *job = l->first;
    if (!job)
        return NULL;
    l->first = job->next;
    if (!l->first)
        l->last = NULL;
    l->n--;
    job->next = NULL;
    return job;
}

void job_finish(struct engine *en, struct job *job, int rc)
{
    struct tenant *t = job->owner;
    job->owner = NULL;
    job->rc = rc;
    job->err.code = (enum err_code)rc;
    job->done(job, rc);
    if (t)
        registry_unref(&en->registry, t);
    engine_job_gone(en);
}
