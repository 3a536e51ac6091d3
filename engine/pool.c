/*
 * Lending read connections, and the reads that wait for one.
 *
 * What may stop a read: a progress handler at its deadline, and a busy handler
 * where another process holds a lock. On the submitting thread both give up at
 * once and the job moves to a reader thread.
 */
#include "engine/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "engine/engine_internal.h"
#include "engine/store_lock.h"

enum { PROGRESS_OPS = 1000, BUSY_SLEEP_US = 1000 };

METRIC_DEFINE(metric_read_waits, METRIC_HISTOGRAM, "rowhouse_read_wait_seconds", NULL,
              "Time a read waited for a thread and a connection.");
METRIC_DEFINE(metric_read_moved, METRIC_COUNTER, "rowhouse_reads_moved_total", NULL,
              "Reads that took too long where they began and moved to a reader thread.");

static int on_progress(void *ctx)
{
    struct pooled *p = ctx;
    if (p->deadline_ns && clock_mono_ns() > p->deadline_ns)
        p->interrupted = true;
    return p->interrupted;
}

static int on_busy(void *ctx, int times)
{
    struct pooled *p = ctx;
    int64_t now_ns = clock_mono_ns();
    if (times == 0)
        p->busy_since_ns = now_ns;
    if (!p->patient || (p->deadline_ns && now_ns > p->deadline_ns)) {
        p->interrupted = true;
        return 0;
    }
    if (now_ns - p->busy_since_ns > p->busy_timeout_ns)
        return 0;
    usleep(BUSY_SLEEP_US);
    return 1;
}

struct pooled *pool_take_locked(struct tenant *t)
{
    struct pooled *p = t->idle;
    if (p) {
        t->idle = p->next;
        t->idle_count--;
        t->readers_busy++;
    }
    return p;
}

static void pooled_close(struct engine *en, struct pooled *p)
{
    if (!p)
        return;
    if (p->reader.conn.db)
        atomic_fetch_sub(&en->connections, 1);
    sqlite3_finalize(p->begin);
    sqlite3_finalize(p->end);
    conn_close(&p->reader.conn);
    free(p);
}

static int prepare(struct pooled *p, struct err *e)
{
    sqlite3 *db = p->reader.conn.db;
    int rc = sqlite3_prepare_v3(db, "BEGIN", -1, SQLITE_PREPARE_PERSISTENT, &p->begin, NULL);
    if (!rc)
        rc = sqlite3_prepare_v3(db, "COMMIT", -1, SQLITE_PREPARE_PERSISTENT, &p->end, NULL);
    if (!rc)
        rc = sqlite3_busy_handler(db, on_busy, p);
    if (rc)
        return sql_error(db, rc, "a new read connection", e);
    sqlite3_progress_handler(db, PROGRESS_OPS, on_progress, p);
    return 0;
}

/* SQLite opens -wal and -shm by name at the first read, which conn_open() does. */
static int open_file(struct engine *en, struct tenant *t, struct pooled *p, struct err *e)
{
    char path[4096];
    int handle = -1;
    store_file(en->store, &t->name, path);
    int rc = store_ddl_lock(en->store, false, &handle, e);
    if (rc)
        return rc;
    rc = conn_open(&p->reader.conn, path, CONN_READ, en->config.busy_timeout_ms, e);
    if (!rc) {
        atomic_fetch_add(&en->connections, 1);
        rc = conn_file_id(&p->reader.conn, &p->file, e);
    }
    store_ddl_unlock(en->store, handle);
    return rc;
}

int pool_open(struct engine *en, struct tenant *t, unsigned generation, struct file_id file,
              struct pooled **ret, struct err *e)
{
    struct pooled *p = fault_calloc(1, sizeof *p);
    if (!p)
        return err_set(e, ERR_NOMEM, "memory is out");
    p->generation = generation;
    p->busy_timeout_ns = en->config.busy_timeout_ms * NS_PER_MS;
    int rc = open_file(en, t, p, e);
    if (rc == ERR_NOT_FOUND || (!rc && !file_id_same(p->file, file)))
        rc = err_set(e, ERR_REPLACED, "the tenant's file was removed or replaced");
    if (!rc)
        rc = prepare(p, e);
    if (rc) {
        pooled_close(en, p);
        return rc;
    }
    *ret = p;
    return 0;
}

void pool_close(struct engine *en, struct pooled *chain)
{
    while (chain) {
        struct pooled *p = chain;
        chain = p->next;
        pooled_close(en, p);
    }
}

void pool_give_back(struct engine *en, struct tenant *t, struct pooled *p)
{
    bool broken = !sqlite3_get_autocommit(p->reader.conn.db);
    pthread_mutex_lock(&t->lock);
    bool current = p->generation == t->generation;
    if (current) {
        t->readers_busy--;
        t->readers -= broken;
    }
    if (current && !broken) {
        p->next = t->idle;
        t->idle = p;
        t->idle_count++;
        p = NULL;
    }
    if (t->reads.n && !t->owned)
        tenant_schedule_locked(en, t, WORKER_READ, WORKER_KINDS);
    pthread_mutex_unlock(&t->lock);
    pooled_close(en, p);
}

static bool leads_elsewhere(struct pooled *p)
{
    struct file_id now = {0};
    const char *path = sqlite3_db_filename(p->reader.conn.db, "main");
    int rc = path_file_id(path, &now, NULL);
    return rc == ERR_NOT_FOUND || (!rc && !file_id_same(now, p->file));
}

/* A statement that a job left unfinished would hold its snapshot. */
static void end_snapshot(struct pooled *p)
{
    sqlite3 *db = p->reader.conn.db;
    p->deadline_ns = 0;
    p->interrupted = false;
    sqlite3_step(p->end);
    sqlite3_reset(p->end);
    if (sqlite3_txn_state(db, "main") == SQLITE_TXN_NONE)
        return;
    for (sqlite3_stmt *st = sqlite3_next_stmt(db, NULL); st; st = sqlite3_next_stmt(db, st))
        sqlite3_reset(st);
}

int pool_run(struct pooled *p, struct job *job, int64_t deadline_ns, bool patient, bool *ret_stale)
{
    if (leads_elsewhere(p)) {
        *ret_stale = true;
        return ERR_AGAIN;
    }
    p->deadline_ns = deadline_ns;
    p->patient = patient;
    p->interrupted = false;
    int rc = sqlite3_step(p->begin) == SQLITE_DONE ? 0 : ERR_IO;
    if (rc)
        rc = sql_error(p->reader.conn.db, sqlite3_errcode(p->reader.conn.db), "BEGIN", &job->err);
    sqlite3_reset(p->begin);
    if (!rc)
        rc = job->read(job, &p->reader);
    if (p->interrupted)
        rc = ERR_AGAIN;
    end_snapshot(p);
    if (rc == ERR_AGAIN)
        job->err = (struct err)ERR_INIT;
    return rc;
}

/* What a reader thread may do with a tenant that it found in its queue. */
enum reader_step { READER_NOTHING, READER_OPEN_TENANT, READER_LET_GO, READER_RUN };

struct reader_place {
    struct job *job;
    struct pooled *conn; /* NULL: a place was counted, to be opened */
    unsigned generation;
    struct file_id file;
};

static void take_place_locked(struct engine *en, struct tenant *t, struct reader_place *ret)
{
    ret->conn = pool_take_locked(t);
    if (!ret->conn) {
        t->readers++;
        t->readers_busy++;
    }
    ret->job = job_list_take(&t->reads);
    atomic_fetch_sub(&en->waiting, 1);
    ret->generation = t->generation;
    ret->file = t->file;
    t->workers++;
    if (t->reads.n) /* another thread may serve it at the same time */
        tenant_schedule_locked(en, t, WORKER_READ, WORKER_KINDS);
}

static enum reader_step choose_locked(struct engine *en, struct tenant *t, struct reader_place *ret)
{
    if (!t->reads.n)
        return READER_NOTHING;
    if (t->state != TENANT_READY || t->stale) {
        if (t->owned)
            return READER_NOTHING;
        t->owned = true;
        return t->state == TENANT_READY ? READER_LET_GO : READER_OPEN_TENANT;
    }
    if (t->workers >= en->workers[WORKER_READ].share ||
        (!t->idle && t->readers >= en->config.readers_max))
        return READER_NOTHING; /* who works for it now takes the next one */
    take_place_locked(en, t, ret);
    return READER_RUN;
}

static void mark_stale(struct engine *en, struct tenant *t, unsigned generation)
{
    pthread_mutex_lock(&t->lock);
    if (t->generation == generation && t->state == TENANT_READY)
        t->stale = true;
    if (t->reads.n && !t->owned)
        tenant_schedule_locked(en, t, WORKER_READ, WORKER_KINDS);
    pthread_mutex_unlock(&t->lock);
}

static void put_back(struct engine *en, struct tenant *t, struct job *job)
{
    pthread_mutex_lock(&t->lock);
    job_list_put_back(&t->reads, job);
    atomic_fetch_add(&en->waiting, 1);
    if (!t->owned)
        tenant_schedule_locked(en, t, WORKER_READ, WORKER_KINDS);
    pthread_mutex_unlock(&t->lock);
}

static void give_place_up(struct tenant *t, unsigned generation)
{
    pthread_mutex_lock(&t->lock);
    if (t->generation == generation) {
        t->readers--;
        t->readers_busy--;
    }
    pthread_mutex_unlock(&t->lock);
}

static int too_late(struct engine *en, struct tenant *t, struct reader_place *place)
{
    if (place->conn)
        pool_give_back(en, t, place->conn);
    else
        give_place_up(t, place->generation);
    return err_set(&place->job->err, ERR_TIMEOUT, "the read waited too long for a connection");
}

static int run_in_place(struct engine *en, struct tenant *t, struct reader_place *place)
{
    struct job *job = place->job;
    bool stale = false;
    int rc = 0;
    if (job->deadline_ns && clock_mono_ns() > job->deadline_ns)
        return too_late(en, t, place);
    if (!place->conn) {
        rc = pool_open(en, t, place->generation, place->file, &place->conn, &job->err);
        stale = rc == ERR_REPLACED;
        if (rc)
            give_place_up(t, place->generation);
    }
    if (!rc) {
        rc = pool_run(place->conn, job, job->deadline_ns, true, &stale);
        pool_give_back(en, t, place->conn);
    }
    if (stale) {
        mark_stale(en, t, place->generation);
        return ERR_AGAIN;
    }
    return rc == ERR_AGAIN ? err_set(&job->err, ERR_TIMEOUT, "the read took too long") : rc;
}

static void serve(struct engine *en, struct tenant *t, struct reader_place *place)
{
    struct job *job = place->job;
    metric_observe_ns(&metric_read_waits, clock_mono_ns() - job->submitted_ns);
    int rc = run_in_place(en, t, place);
    if (rc == ERR_AGAIN)
        put_back(en, t, job);
    pthread_mutex_lock(&t->lock);
    t->workers--;
    if (t->reads.n && !t->owned) /* job_finish() may take long: others are woken */
        tenant_schedule_locked(en, t, WORKER_READ, WORKER_KINDS);
    pthread_mutex_unlock(&t->lock);
    if (rc != ERR_AGAIN)
        job_finish(en, job, rc);
}

/* Makes the tenant ready, and takes a place in the same moment: a tenant that
 * was opened and let go could be closed again for others that wait, for ever. */
static enum reader_step open_and_choose(struct engine *en, struct tenant *t, enum reader_step step,
                                        struct reader_place *ret)
{
    int rc = step == READER_LET_GO ? tenant_let_go(en, t) : 0;
    if (!rc)
        rc = tenant_open(en, t); /* on failure those who wait were answered */
    pthread_mutex_lock(&t->lock);
    tenant_disown_locked(en, t, WORKER_KINDS);
    step = rc ? READER_NOTHING : choose_locked(en, t, ret);
    pthread_mutex_unlock(&t->lock);
    return step;
}

void reader_turn(struct engine *en, struct tenant *t)
{
    struct reader_place place = {0};
    pthread_mutex_lock(&t->lock);
    t->queued[WORKER_READ] = false;
    enum reader_step step = choose_locked(en, t, &place);
    pthread_mutex_unlock(&t->lock);
    while (step == READER_OPEN_TENANT || step == READER_LET_GO)
        step = open_and_choose(en, t, step, &place);
    if (step == READER_RUN)
        serve(en, t, &place);
}

int pool_run_inline(struct engine *en, struct tenant *t, struct job *job)
{
    struct pooled *p = NULL;
    pthread_mutex_lock(&t->lock);
    if (t->state == TENANT_READY && !t->stale && !t->reads.n)
        p = pool_take_locked(t);
    pthread_mutex_unlock(&t->lock);
    if (!p)
        return ERR_AGAIN;
    int64_t budget_ns = clock_mono_ns() + en->config.inline_budget_us * 1000;
    bool later = !job->deadline_ns || job->deadline_ns > budget_ns;
    unsigned generation = p->generation;
    bool stale = false;
    int rc = pool_run(p, job, later ? budget_ns : job->deadline_ns, false, &stale);
    pool_give_back(en, t, p);
    if (stale)
        mark_stale(en, t, generation);
    else if (rc == ERR_AGAIN)
        metric_inc(&metric_read_moved);
    return rc;
}
