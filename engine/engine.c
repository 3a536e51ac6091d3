/*
 * The engine's beginning and end, and the way of a job into it.
 *
 * Threads: the writers, the readers (which also run tasks), and one janitor that
 * closes what is idle. A job is counted from its submission to its answer;
 * engine_close() refuses new ones, waits for the count, then has the writer
 * threads close every tenant side by side.
 */
#include "engine/engine.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fault.h"
#include "engine/engine_internal.h"
#include "engine/pool.h"

enum {
    FILES_KEPT = 512, /* descriptors for sockets and everything else */
    FILES_PER_WRITER = 3,
    FILES_PER_READER = 2,
    OPEN_TENANTS_STANDARD = 256,
    OPEN_TENANTS_LEAST = 16,
    READERS_MOST = 4
};

METRIC_DEFINE(metric_open_tenants, METRIC_GAUGE, "rowhouse_open_tenants", NULL,
              "Tenants whose database is open.");
METRIC_DEFINE(metric_connections, METRIC_GAUGE, "rowhouse_connections", NULL,
              "Open SQLite connections.");
METRIC_DEFINE(metric_waiting, METRIC_GAUGE, "rowhouse_jobs_waiting", NULL,
              "Jobs that wait in the tenants' queues.");
METRIC_DEFINE(metric_refused, METRIC_COUNTER, "rowhouse_jobs_refused_total", NULL,
              "Jobs that were refused because a queue was full.");

void engine_config_standard(struct engine_config *c)
{
    *c = (struct engine_config){
        .create_open = true,
        .durability = DURABILITY_LOCAL,
        .readers_max = READERS_MOST,
        .writer_threads = 16,
        .reader_threads = 8,
        .write_queue_max = 2000,
        .write_queue_total_max = 20000,
        .idle_close_ms = 60000,
        .busy_timeout_ms = 5000,
        .inline_budget_us = 2000,
        .failed_retry_ms = 2000,
    };
}

static const char *const durability_names[] = {"relaxed", "local", "replica"};

const char *durability_name(enum durability d)
{
    assert((unsigned)d <= DURABILITY_REPLICA);
    return durability_names[d];
}

bool durability_parse(struct str s, enum durability *ret)
{
    for (int i = 0; i <= DURABILITY_REPLICA; i++) {
        if (str_eq(s, str_from(durability_names[i]))) {
            *ret = (enum durability)i;
            return true;
        }
    }
    return false;
}

/* How many tenants the descriptors allow, with all their readers. */
static unsigned open_tenants_max(const struct engine_config *c)
{
    struct rlimit files;
    unsigned each = FILES_PER_WRITER + FILES_PER_READER * c->readers_max;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return OPEN_TENANTS_LEAST;
    uint64_t room = files.rlim_cur > FILES_KEPT ? (files.rlim_cur - FILES_KEPT) / each : 0;
    uint64_t most = c->open_tenants_max ? c->open_tenants_max : OPEN_TENANTS_STANDARD;
    uint64_t least = c->open_tenants_max && c->open_tenants_max < OPEN_TENANTS_LEAST
                         ? c->open_tenants_max
                         : OPEN_TENANTS_LEAST;
    return (unsigned)(room < least ? least : room < most ? room : most);
}

static void clamp(unsigned *v, unsigned least, unsigned most)
{
    *v = *v < least ? least : *v > most ? most : *v;
}

static void close_expired(struct engine *en)
{
    int64_t now_ns = clock_mono_ns();
    int64_t since_ns = now_ns - en->config.idle_close_ms * NS_PER_MS;
    struct tenant *t;
    while ((t = registry_expired(&en->registry, since_ns, now_ns))) {
        tenant_close(en, t);
        tenant_disown(en, t, WORKER_KINDS);
        registry_unref(&en->registry, t);
    }
    metric_set(&metric_open_tenants, registry_open_count(&en->registry));
    metric_set(&metric_connections, atomic_load(&en->connections));
    metric_set(&metric_waiting, atomic_load(&en->waiting));
}

static struct timespec from_now(int64_t ms)
{
    int64_t ns = clock_mono_ns() + ms * NS_PER_MS;
    return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

static void *janitor_main(void *arg)
{
    struct engine *en = arg;
    int64_t ms = en->config.idle_close_ms / 4;
    ms = ms < 50 ? 50 : ms > 1000 ? 1000 : ms;
    pthread_setname_np(pthread_self(), "janitor");
    pthread_mutex_lock(&en->lock);
    while (!en->janitor_stop) {
        struct timespec until = from_now(ms);
        pthread_cond_timedwait(&en->changed, &en->lock, &until);
        if (en->janitor_stop)
            break;
        pthread_mutex_unlock(&en->lock);
        close_expired(en);
        pthread_mutex_lock(&en->lock);
    }
    pthread_mutex_unlock(&en->lock);
    return NULL;
}

static int start_janitor(struct engine *en, struct err *e)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed =
        fault_hit(FAULT_ALLOC) ? ENOMEM : pthread_create(&en->janitor, NULL, janitor_main, en);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return err_errno(e, failed, "cannot start a thread");
    en->janitor_runs = true;
    return 0;
}

static void stop_janitor(struct engine *en)
{
    if (!en->janitor_runs)
        return;
    pthread_mutex_lock(&en->lock);
    en->janitor_stop = true;
    pthread_cond_broadcast(&en->changed);
    pthread_mutex_unlock(&en->lock);
    pthread_join(en->janitor, NULL);
    en->janitor_runs = false;
}

static struct engine *engine_new(const struct engine_config *c)
{
    struct engine *en = fault_calloc(1, sizeof *en);
    if (!en)
        return NULL;
    en->config = *c;
    clamp(&en->config.readers_max, 1, READERS_MOST);
    clamp(&en->config.writer_threads, 1, 256);
    clamp(&en->config.reader_threads, 1, 256);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&en->lock, NULL);
    pthread_cond_init(&en->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return en;
}

static int start(struct engine *en, struct err *e)
{
    const struct engine_config *c = &en->config;
    int rc = registry_init(&en->registry, open_tenants_max(c), e);
    if (!rc)
        rc = store_open(c->path, true, &c->app, &en->store, e);
    if (!rc)
        rc = store_lock_server(en->store, c->wait_for_lock, e);
    if (!rc)
        rc = catalog_open(en->store, &en->catalog, e);
    if (!rc)
        rc = feed_hub_open(&en->feed, e);
    if (!rc)
        rc = workers_start(&en->workers[WORKER_WRITE], en, WORKER_WRITE, c->writer_threads, e);
    if (!rc)
        rc = workers_start(&en->workers[WORKER_READ], en, WORKER_READ, c->reader_threads, e);
    return rc ? rc : start_janitor(en, e);
}

int engine_open(const struct engine_config *c, struct engine **ret, struct err *e)
{
    if (sodium_init() < 0)
        return err_set(e, ERR_INTERNAL, "libsodium cannot be started");
    conn_global_init();
    struct engine *en = engine_new(c);
    if (!en)
        return err_set(e, ERR_NOMEM, "memory is out");
    int rc = start(en, e);
    if (rc) {
        engine_close(en);
        return rc;
    }
    *ret = en;
    return 0;
}

void engine_job_gone(struct engine *en)
{
    if (atomic_fetch_sub(&en->jobs, 1) > 1 || !atomic_load(&en->closing))
        return;
    pthread_mutex_lock(&en->lock);
    pthread_cond_broadcast(&en->changed);
    pthread_mutex_unlock(&en->lock);
}

/* True where it was asked before. */
static bool ask_to_close(struct engine *en, struct tenant *t)
{
    pthread_mutex_lock(&t->lock);
    bool asked = t->close_wanted;
    t->close_wanted = true;
    if (!t->owned)
        tenant_schedule_locked(en, t, WORKER_WRITE, WORKER_KINDS);
    pthread_mutex_unlock(&t->lock);
    return asked;
}

/* Has the writer threads close what is open, side by side. */
static void close_tenants(struct engine *en)
{
    for (;;) {
        /* Counted first: a tenant that is failing is in no list for a while, but
         * keeps its place until it is in one. */
        unsigned places = registry_open_count(&en->registry);
        struct tenant *t = registry_any(&en->registry);
        if (!t && !places)
            return;
        if (!t || ask_to_close(en, t)) /* all were: the threads are at it */
            usleep(1000);
        if (t)
            registry_unref(&en->registry, t);
    }
}

void engine_close(struct engine *en)
{
    if (!en)
        return;
    atomic_store(&en->closing, true);
    pthread_mutex_lock(&en->lock);
    while (atomic_load(&en->jobs) > 0)
        pthread_cond_wait(&en->changed, &en->lock);
    pthread_mutex_unlock(&en->lock);
    stop_janitor(en);
    if (en->workers[WORKER_WRITE].n)
        close_tenants(en);
    workers_stop(&en->workers[WORKER_READ]);
    workers_stop(&en->workers[WORKER_WRITE]);
    feed_hub_close(en->feed);
    catalog_close(en->catalog);
    store_close(en->store);
    registry_free(&en->registry);
    pthread_mutex_destroy(&en->lock);
    pthread_cond_destroy(&en->changed);
    free(en);
}

static bool is_full(struct engine *en)
{
    return atomic_load(&en->waiting) >= en->config.write_queue_total_max;
}

static int refuse(struct job *job)
{
    metric_inc(&metric_refused);
    return err_set(&job->err, ERR_BUSY, "too many requests wait: come back later");
}

/* Under the tenant's lock: adds the job to the queue of its kind. */
static int enqueue_locked(struct engine *en, struct tenant *t, struct job *job)
{
    if (t->state == TENANT_FAILED && clock_mono_ns() < t->retry_at_ns) {
        job->err = t->failure;
        return (int)t->failure.code;
    }
    struct job_list *queue = job->write ? &t->writes : &t->reads;
    if (queue->n >= en->config.write_queue_max || is_full(en))
        return refuse(job);
    job->owner = t;
    job->submitted_ns = clock_mono_ns();
    atomic_fetch_add(&en->waiting, 1);
    job_list_add(queue, job);
    if (!t->owned || (!job->write && t->state == TENANT_READY))
        tenant_schedule_locked(en, t, job->write ? WORKER_WRITE : WORKER_READ, WORKER_KINDS);
    return ERR_AGAIN;
}

static int submit_to_tenant(struct engine *en, struct job *job)
{
    struct tenant *t = registry_take(&en->registry, &job->tenant, true);
    if (!t)
        return err_set(&job->err, ERR_NOMEM, "memory is out");
    int rc = job->read && job->may_inline ? pool_run_inline(en, t, job) : ERR_AGAIN;
    if (rc == ERR_AGAIN) {
        pthread_mutex_lock(&t->lock);
        rc = enqueue_locked(en, t, job);
        pthread_mutex_unlock(&t->lock);
    }
    if (rc != ERR_AGAIN) /* else the reference is the job's now */
        registry_unref(&en->registry, t);
    return rc;
}

static int submit_task(struct engine *en, struct job *job)
{
    if (is_full(en))
        return refuse(job);
    atomic_fetch_add(&en->waiting, 1);
    workers_push_task(&en->workers[WORKER_READ], job);
    return ERR_AGAIN;
}

int engine_submit(struct engine *en, struct job *job)
{
    assert(!!job->read + !!job->write + !!job->task == 1);
    job->next = NULL;
    job->owner = NULL;
    job->events = NULL;
    job->rc = 0;
    job->reached = DURABILITY_RELAXED;
    job->err = (struct err)ERR_INIT;
    atomic_fetch_add(&en->jobs, 1);
    int rc = ERR_AGAIN;
    if (atomic_load(&en->closing))
        rc = err_set(&job->err, ERR_SHUTDOWN, "the server is stopping");
    else
        rc = job->task ? submit_task(en, job) : submit_to_tenant(en, job);
    if (rc != ERR_AGAIN) {
        job->err.code = (enum err_code)rc;
        engine_job_gone(en);
    }
    return rc;
}

int catalog_list(struct engine *en, struct str prefix, struct str after, unsigned limit,
                 struct arena *arena, struct catalog_page *ret, struct err *e)
{
    return catalog_range(en->catalog, prefix, after, limit, arena, ret, e);
}

int64_t catalog_count(struct engine *en)
{
    return catalog_size(en->catalog);
}

bool catalog_has(struct engine *en, const struct tenant_name *t)
{
    return catalog_contains(en->catalog, t);
}

int engine_summary(struct engine *en, const struct tenant_name *t, struct tenant_summary *ret,
                   int64_t *ret_bytes, struct err *e)
{
    return catalog_summary(en->catalog, en->store, t, ret, ret_bytes, e);
}

bool engine_ready(struct engine *en, struct err *e)
{
    struct statvfs fs;
    const char *path = store_path(en->store);
    if (atomic_load(&en->closing)) {
        err_set(e, ERR_SHUTDOWN, "the server is stopping");
        return false;
    }
    if (access(path, W_OK | X_OK) < 0 || statvfs(path, &fs) < 0) {
        err_errno(e, errno, "cannot write %s", path);
        return false;
    }
    if (fs.f_flag & ST_RDONLY) {
        err_set(e, ERR_READ_ONLY, "%s is on a read-only file system", path);
        return false;
    }
    return true;
}

int feed_subscribe(struct engine *en, const struct tenant_name *t, struct str last_id,
                   void (*wake)(void *ctx), void *ctx, struct feed_subscription **ret,
                   bool *ret_gap, struct err *e)
{
    return feed_hub_subscribe(en->feed, t, last_id, wake, ctx, ret, ret_gap, e);
}
