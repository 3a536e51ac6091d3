/*
 * Threads and ready queues. Signals stay with the program's main thread.
 */
#include "engine/worker.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/fault.h"
#include "engine/engine_internal.h"

static struct tenant *take_tenant_locked(struct workers *w)
{
    struct tenant *t = w->first;
    if (t) {
        w->first = t->ready_next[w->kind];
        if (!w->first)
            w->last = NULL;
    }
    return t;
}

static struct job *take_task_locked(struct workers *w)
{
    if (w->tasks_running >= w->share)
        return NULL;
    struct job *job = job_list_take(&w->tasks);
    w->tasks_running += job != NULL;
    atomic_fetch_sub(&w->engine->waiting, job != NULL);
    return job;
}

/* Waits for a tenant or a task. False: the thread is to end. */
static bool next(struct workers *w, struct tenant **ret_tenant, struct job **ret_task)
{
    pthread_mutex_lock(&w->lock);
    for (;;) {
        w->task_next = !w->task_next;
        *ret_task = w->task_next ? take_task_locked(w) : NULL;
        *ret_tenant = *ret_task ? NULL : take_tenant_locked(w);
        if (!*ret_task && !*ret_tenant)
            *ret_task = take_task_locked(w);
        if (*ret_tenant || *ret_task || w->stop)
            break;
        w->sleeping++;
        pthread_cond_wait(&w->wake, &w->lock);
        w->sleeping--;
    }
    pthread_mutex_unlock(&w->lock);
    return *ret_tenant || *ret_task;
}

static void run_task(struct workers *w, struct job *job)
{
    bool late = job->deadline_ns && clock_mono_ns() > job->deadline_ns;
    int rc = late ? err_set(&job->err, ERR_TIMEOUT, "the server was too busy to begin in time")
                  : job->task(job);
    job_finish(w->engine, job, rc);
    pthread_mutex_lock(&w->lock);
    w->tasks_running--;
    if (w->tasks.n && w->sleeping)
        pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

static void *worker_main(void *arg)
{
    struct workers *w = arg;
    struct tenant *t;
    struct job *task;
    pthread_setname_np(pthread_self(), w->kind == WORKER_WRITE ? "writer" : "reader");
    while (next(w, &t, &task)) {
        if (task) {
            run_task(w, task);
            continue;
        }
        if (w->kind == WORKER_WRITE)
            writer_turn(w->engine, t);
        else
            reader_turn(w->engine, t);
        registry_unref(&w->engine->registry, t);
    }
    return NULL;
}

static int start_thread(struct workers *w, pthread_t *ret)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = fault_hit(FAULT_ALLOC) ? ENOMEM : pthread_create(ret, NULL, worker_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

int workers_start(struct workers *w, struct engine *en, enum worker_kind kind, unsigned n,
                  struct err *e)
{
    *w = (struct workers){.engine = en, .kind = kind, .share = n > 1 ? n / 2 : 1};
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    w->threads = fault_calloc(n, sizeof *w->threads);
    if (!w->threads)
        return err_set(e, ERR_NOMEM, "memory is out");
    for (unsigned i = 0; i < n; i++) {
        int failed = start_thread(w, &w->threads[i]);
        if (failed)
            return err_errno(e, failed, "cannot start a thread");
        w->n++;
    }
    return 0;
}

void workers_stop(struct workers *w)
{
    if (!w->threads)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->n; i++)
        pthread_join(w->threads[i], NULL);
    assert(!w->first && !w->tasks.n);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->wake);
    free(w->threads);
    w->threads = NULL;
}

void workers_push(struct workers *w, struct tenant *t, bool own)
{
    tenant_ref(t);
    pthread_mutex_lock(&w->lock);
    t->ready_next[w->kind] = NULL;
    if (w->last)
        w->last->ready_next[w->kind] = t;
    else
        w->first = t;
    w->last = t;
    if (w->sleeping && !own)
        pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void workers_push_task(struct workers *w, struct job *job)
{
    pthread_mutex_lock(&w->lock);
    job_list_add(&w->tasks, job);
    if (w->sleeping)
        pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}
