/*
 * The engine's threads: writers, and readers that also run tasks.
 *
 * Each kind has one ready queue of tenants, first in, first out: a tenant is
 * in it once however many jobs it has, and goes to the back when it has more,
 * so that no tenant waits for another's queue.
 */
#ifndef ROWHOUSE_ENGINE_WORKER_H
#define ROWHOUSE_ENGINE_WORKER_H

#include "engine/tenant.h"

struct workers {
    struct engine *engine;
    enum worker_kind kind;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct tenant *first, *last; /* lock */
    struct job_list tasks;       /* lock */
    unsigned sleeping;           /* lock */
    unsigned tasks_running;      /* lock; at most `share` */
    bool task_next;              /* lock; tasks and tenants take turns */
    bool stop;                   /* lock */
    unsigned share;              /* of the threads, for one tenant or for tasks: half */
    pthread_t *threads;          /* owned */
    unsigned n;                  /* known to who starts and stops them */
};

int workers_start(struct workers *w, struct engine *en, enum worker_kind kind, unsigned n,
                  struct err *e);

/* Lets the threads finish what is queued, and ends them. */
void workers_stop(struct workers *w);

/* Queues a tenant; the queue has a reference of its own. `own`: the caller is a
 * thread of these that looks into the queue next, so no other is woken. */
void workers_push(struct workers *w, struct tenant *t, bool own);
void workers_push_task(struct workers *w, struct job *job);

#endif
