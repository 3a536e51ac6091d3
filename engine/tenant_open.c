/*
 * How a tenant's owner takes it from ABSENT to READY and back, or to FAILED.
 *
 * A failure is remembered for a while and answers those who wait and those who
 * come meanwhile, unless it says nothing about the tenant: that it does not
 * exist, that somebody holds a lock, that memory is out.
 */
#include <assert.h>
#include <unistd.h>

#include "base/buf.h"
#include "engine/engine_internal.h"
#include "engine/pool.h"
#include "engine/writer.h"

enum { OPEN_TRIES = 3 };

METRIC_DEFINE(metric_opens, METRIC_COUNTER, "rowhouse_tenant_opens_total", NULL,
              "Databases of tenants that were opened.");
METRIC_DEFINE(metric_open_time, METRIC_HISTOGRAM, "rowhouse_tenant_open_seconds", NULL,
              "Time to open a tenant, creation and migrations included.");
METRIC_DEFINE(metric_creations, METRIC_COUNTER, "rowhouse_tenant_creations_total", NULL,
              "Tenants that were created.");
METRIC_DEFINE(metric_closes, METRIC_COUNTER, "rowhouse_tenant_closes_total", NULL,
              "Databases of tenants that were closed in order.");
METRIC_DEFINE(metric_failures, METRIC_COUNTER, "rowhouse_tenant_failures_total", NULL,
              "Times that a tenant could not be opened or had to be given up.");
METRIC_DEFINE(metric_replaced, METRIC_COUNTER, "rowhouse_tenant_replaced_total", NULL,
              "Times that a tenant's file was found removed or replaced.");

/* A tenant's connections, taken out of it to be closed without its lock. */
struct connections {
    struct writer *writer;
    struct pooled *idle;
};

static struct connections take_connections_locked(struct tenant *t)
{
    struct connections c = {t->writer, t->idle};
    t->writer = NULL;
    t->writer_open = false;
    t->idle = NULL;
    t->idle_count = t->readers = t->readers_busy = 0;
    t->generation++; /* those lent out are closed when they come back */
    t->stale = false;
    return c;
}

static void change(struct tenant *t, enum tenant_state to)
{
    pthread_mutex_lock(&t->lock);
    tenant_change_locked(t, to);
    pthread_mutex_unlock(&t->lock);
}

static void close_claimed(struct engine *en, struct tenant *t)
{
    if (!t)
        return;
    tenant_close(en, t);
    tenant_disown(en, t, WORKER_KINDS);
    registry_unref(&en->registry, t);
}

static bool says_nothing_of_tenant(int code)
{
    return code == ERR_NOT_FOUND || code == ERR_REPLACED || code == ERR_BUSY ||
           code == ERR_TIMEOUT || code == ERR_NOMEM;
}

/* Those who wait and are answered by the failure. Whoever asked for the tenant
 * to be made, after it was found missing, keeps waiting for the next attempt. */
static struct job_list take_waiting_locked(struct engine *en, struct tenant *t, int code)
{
    struct job_list all = {0};
    struct job_list *queues[] = {&t->writes, &t->reads};
    for (size_t i = 0; i < 2; i++) {
        struct job_list keep = {0};
        struct job *job;
        while ((job = job_list_take(queues[i]))) {
            bool retry = code == ERR_NOT_FOUND && job->create && en->config.create_open;
            job_list_add(retry ? &keep : &all, job);
        }
        *queues[i] = keep;
    }
    atomic_fetch_sub(&en->waiting, all.n);
    return all;
}

static void answer_all(struct engine *en, struct job_list *jobs, const struct err *err)
{
    struct job *job;
    while ((job = job_list_take(jobs))) {
        job->err = *err;
        job_finish(en, job, (int)err->code);
    }
}

static void remember_locked(struct engine *en, struct tenant *t, const struct err *err)
{
    t->failure = *err;
    t->retry_at_ns = clock_mono_ns() + en->config.failed_retry_ms * NS_PER_MS;
}

static void opening_failed(struct engine *en, struct tenant *t, const struct err *err)
{
    bool forget = says_nothing_of_tenant((int)err->code);
    pthread_mutex_lock(&t->lock);
    struct job_list waiting = take_waiting_locked(en, t, (int)err->code);
    if (!forget)
        remember_locked(en, t, err);
    tenant_change_locked(t, forget ? TENANT_ABSENT : TENANT_FAILED);
    pthread_mutex_unlock(&t->lock);
    registry_unreserve(&en->registry);
    if (forget)
        registry_unref(&en->registry, t);
    else
        close_claimed(en, registry_failed(&en->registry, t));
    metric_add(&metric_failures, err->code != ERR_NOT_FOUND);
    answer_all(en, &waiting, err);
}

/* *ret_write: a write waits, so that its flush will follow. */
static bool creation_wanted(struct engine *en, struct tenant *t, bool *ret_write)
{
    bool wanted = false;
    if (!en->config.create_open)
        return false;
    pthread_mutex_lock(&t->lock);
    *ret_write = t->writes.n > 0;
    for (struct job *j = t->writes.first; j && !wanted; j = j->next)
        wanted = j->create;
    for (struct job *j = t->reads.first; j && !wanted; j = j->next)
        wanted = j->create;
    pthread_mutex_unlock(&t->lock);
    return wanted;
}

static int create(struct engine *en, struct tenant *t, bool write_waits, bool *ret_made,
                  struct err *e)
{
    change(t, TENANT_CREATING);
    int rc = write_waits ? store_create_unflushed(en->store, &t->name, e)
                         : store_create(en->store, &t->name, e);
    if (rc && rc != ERR_EXISTS) /* a command may have been first */
        return rc;
    *ret_made = !rc;
    metric_add(&metric_creations, *ret_made);
    /* Where memory is out for the name, the watching of the folder adds it. */
    (void)catalog_put(en->catalog, &t->name, NULL);
    change(t, TENANT_OPENING);
    return 0;
}

static int open_writer(struct engine *en, struct tenant *t, struct writer **ret, struct err *e)
{
    unsigned pending = 0;
    bool write_waits = false, made = false;
    int rc = writer_open(en, &t->name, false, ret, &pending, e);
    if (rc == ERR_NOT_FOUND && creation_wanted(en, t, &write_waits)) {
        rc = create(en, t, write_waits, &made, e);
        if (!rc)
            rc = writer_open(en, &t->name, made, ret, &pending, e);
    }
    if (rc)
        return rc;
    if (pending)
        change(t, TENANT_MIGRATING);
    return writer_prepare(en, *ret, pending, e);
}

/* Where the file went away while it was opened, what is there now is looked at. */
static int open_writer_persistently(struct engine *en, struct tenant *t, struct writer **ret,
                                    struct err *e)
{
    int rc;
    for (int tries = 0; tries < OPEN_TRIES; tries++) {
        rc = open_writer(en, t, ret, e);
        if (rc)
            writer_close(en, TAKE(*ret), false);
        if (rc != ERR_REPLACED || t->state != TENANT_OPENING)
            break;
    }
    return rc;
}

static void become_ready(struct engine *en, struct tenant *t, struct writer *w)
{
    registry_opened(&en->registry, t); /* before a job can end, see engine_close() */
    pthread_mutex_lock(&t->lock);
    t->writer = w;
    t->writer_open = true;
    t->file = w->file;
    tenant_change_locked(t, TENANT_READY);
    if (t->reads.n) /* they need not wait for the writer's first batch */
        tenant_schedule_locked(en, t, WORKER_READ, WORKER_KINDS);
    pthread_mutex_unlock(&t->lock);
}

int tenant_open(struct engine *en, struct tenant *t)
{
    int64_t start_ns = clock_mono_ns();
    close_claimed(en, registry_reserve(&en->registry));
    registry_unlist(&en->registry, t);
    pthread_mutex_lock(&t->lock);
    if (t->state == TENANT_ABSENT)
        tenant_ref(t); /* until it is ABSENT again */
    t->failure.code = OK;
    tenant_change_locked(t, TENANT_OPENING);
    pthread_mutex_unlock(&t->lock);

    struct err err = ERR_INIT;
    struct writer *w = NULL;
    int rc = open_writer_persistently(en, t, &w, &err);
    if (rc) {
        err.code = (enum err_code)rc;
        opening_failed(en, t, &err);
        return rc;
    }
    feed_bind(en->feed, &t->name, w->source);
    become_ready(en, t, w);
    metric_inc(&metric_opens);
    metric_observe_ns(&metric_open_time, clock_mono_ns() - start_ns);
    return 0;
}

static void become_absent(struct engine *en, struct tenant *t)
{
    pthread_mutex_lock(&t->lock);
    t->failure.code = OK;
    tenant_change_locked(t, TENANT_ABSENT);
    pthread_mutex_unlock(&t->lock);
    registry_unref(&en->registry, t);
}

static void close_ready(struct engine *en, struct tenant *t)
{
    registry_unlist(&en->registry, t);
    pthread_mutex_lock(&t->lock);
    assert(t->readers_busy == 0);
    struct connections c = take_connections_locked(t);
    tenant_change_locked(t, TENANT_IDLE_CLOSING);
    pthread_mutex_unlock(&t->lock);
    pool_close(en, c.idle);
    writer_close(en, c.writer, true);
    registry_unreserve(&en->registry);
    metric_inc(&metric_closes);
    become_absent(en, t);
}

void tenant_close(struct engine *en, struct tenant *t)
{
    if (t->state == TENANT_FAILED) {
        registry_unlist(&en->registry, t);
        become_absent(en, t);
    } else if (writer_check_files(t->writer, NULL) == 0) {
        close_ready(en, t);
    } else {
        tenant_let_go(en, t);
    }
}

void tenant_fail(struct engine *en, struct tenant *t, const struct err *failure)
{
    registry_unlist(&en->registry, t);
    pthread_mutex_lock(&t->lock);
    struct connections c = take_connections_locked(t);
    struct job_list waiting = take_waiting_locked(en, t, (int)failure->code);
    remember_locked(en, t, failure);
    tenant_change_locked(t, TENANT_FAILED);
    pthread_mutex_unlock(&t->lock);

    pool_close(en, c.idle);
    writer_close(en, c.writer, false);
    close_claimed(en, registry_failed(&en->registry, t));
    registry_unreserve(&en->registry); /* after it is listed, see close_tenants() */
    metric_inc(&metric_failures);
    answer_all(en, &waiting, failure);
}

/* No more is lent, and what was lent is back: bounded by the jobs' deadlines. */
static void wait_for_readers(struct tenant *t)
{
    for (;;) {
        pthread_mutex_lock(&t->lock);
        t->stale = true;
        unsigned busy = t->readers_busy;
        pthread_mutex_unlock(&t->lock);
        if (!busy)
            return;
        usleep(1000);
    }
}

static int leave(struct engine *en, struct tenant *t, struct err *e)
{
    struct file_id now = {0};
    const char *path = sqlite3_db_filename(t->writer->cx.tx.reader.conn.db, "main");
    /* Readers of the same file share the index of the WAL that was removed. */
    if (path_file_id(path, &now, NULL) == 0 && file_id_same(now, t->file))
        wait_for_readers(t);
    return writer_leave(en, &t->name, t->writer, e);
}

/* It stays READY and stale: whoever comes next tries again. */
static void cannot_leave(struct engine *en, struct tenant *t, const struct err *err)
{
    pthread_mutex_lock(&t->lock);
    t->stale = true;
    struct job_list waiting = take_waiting_locked(en, t, (int)err->code);
    pthread_mutex_unlock(&t->lock);
    registry_unlist(&en->registry, t); /* a tenant that was claimed is not listed */
    registry_opened(&en->registry, t);
    answer_all(en, &waiting, err);
}

int tenant_let_go(struct engine *en, struct tenant *t)
{
    struct err err = ERR_INIT;
    int rc = leave(en, t, &err);
    if (rc && !atomic_load(&en->closing)) {
        err.code = (enum err_code)rc;
        cannot_leave(en, t, &err);
        return rc;
    }
    registry_unlist(&en->registry, t);
    pthread_mutex_lock(&t->lock);
    struct connections c = take_connections_locked(t);
    tenant_change_locked(t, TENANT_DELETING);
    pthread_mutex_unlock(&t->lock);
    pool_close(en, c.idle);
    writer_close(en, c.writer, false);
    registry_unreserve(&en->registry);
    metric_inc(&metric_replaced);
    become_absent(en, t);
    return 0;
}
