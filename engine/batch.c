/*
 * Group commit: all jobs that wait for a tenant in one transaction, one flush,
 * then all answers.
 *
 * A job that fails undoes its own savepoint and nothing else. Where SQLite had
 * to undo the whole transaction (the disk is full, memory is out, a deadline
 * stopped a statement, a deferred constraint), whoever caused it keeps its
 * error and the others run again, each in a transaction of its own. An error
 * of the disk or the file fails all of them, and the tenant.
 *
 * Every commit passes acknowledge(): the names are compared, the WAL is
 * flushed, then answers and events go out. A flush that failed is never tried
 * again: what the kernel dropped would count as written.
 *
 * Thread: the tenant's owner, a writer thread.
 */
#include <assert.h>

#include "engine/engine_internal.h"
#include "engine/writer.h"

enum {
    BATCH_JOBS_MAX = 1000,
    BATCH_NS_MAX = 100 * 1000 * 1000 /* then the rest waits for the next turn */
};

METRIC_DEFINE(metric_batches, METRIC_COUNTER, "rowhouse_write_batches_total", NULL,
              "Write transactions that were committed.");
METRIC_DEFINE(metric_writes, METRIC_COUNTER, "rowhouse_writes_total", NULL,
              "Write jobs that were acknowledged; divided by batches: jobs a commit.");
METRIC_DEFINE(metric_write_waits, METRIC_HISTOGRAM, "rowhouse_write_wait_seconds", NULL,
              "Time a write waited in its tenant's queue.");
METRIC_DEFINE(metric_reruns, METRIC_COUNTER, "rowhouse_write_reruns_total", NULL,
              "Write jobs that ran again because another one undid their transaction.");

/* LOST: the transaction is gone, the jobs in it may be tried one by one. FATAL:
 * the connection is not to be used any more. */
enum outcome { DONE, LOST, FATAL };

struct batch {
    struct engine *en;
    struct tenant *t;
    struct writer *w;
    struct job_list todo;
    struct job_list ran; /* job->rc says how; what succeeded is in the transaction */
    unsigned succeeded;  /* in `ran`, of the open or last transaction */
    struct err fatal;
};

static const char *const texts[] = {
    [WRITER_BEGIN] = "BEGIN IMMEDIATE", [WRITER_COMMIT] = "COMMIT",
    [WRITER_ROLLBACK] = "ROLLBACK",     [WRITER_SAVEPOINT] = "SAVEPOINT job",
    [WRITER_RELEASE] = "RELEASE job",   [WRITER_ROLLBACK_TO] = "ROLLBACK TO job",
};

static sqlite3 *db_of(struct batch *b)
{
    return b->w->cx.tx.reader.conn.db;
}

static int step(struct batch *b, enum writer_statement which, struct err *e)
{
    sqlite3_stmt **st = &b->w->statements[which];
    int rc = SQLITE_OK;
    if (!*st)
        rc = sqlite3_prepare_v3(db_of(b), texts[which], -1, SQLITE_PREPARE_PERSISTENT, st, NULL);
    if (!rc) {
        sqlite3_step(*st);
        rc = sqlite3_reset(*st);
    }
    return rc ? sql_error(db_of(b), rc, texts[which], e) : 0;
}

/* A transaction is left over where memory was out for undoing it. */
static int begin(struct batch *b, struct err *e)
{
    int rc = sqlite3_get_autocommit(db_of(b)) ? 0 : step(b, WRITER_ROLLBACK, e);
    return rc ? rc : step(b, WRITER_BEGIN, e);
}

static bool of_the_disk(int code)
{
    return code == ERR_IO || code == ERR_CORRUPT || code == ERR_READ_ONLY || code == ERR_PERMISSION;
}

static void undo(struct batch *b)
{
    b->w->deadline_ns = 0;
    if (!sqlite3_get_autocommit(db_of(b)))
        step(b, WRITER_ROLLBACK, NULL);
    b->succeeded = 0;
}

static enum outcome give_up(struct batch *b, int code, const struct err *err)
{
    b->fatal = *err;
    b->fatal.code = (enum err_code)code;
    return FATAL;
}

static int call(struct batch *b, struct job *job)
{
    struct writer *w = b->w;
    w->cx.job = job;
    w->deadline_ns = job->deadline_ns;
    rfc3339_format(clock_real_ns(), w->cx.now);
    int rc = job->write(job, &w->cx.tx);
    w->deadline_ns = 0;
    w->cx.job = NULL;
    if (rc < 0) {
        feed_discard(job->events);
        job->events = NULL;
    }
    return rc < 0 ? rc : 0;
}

/* Where a job failed: did SQLite fail under it? */
static enum outcome judge(struct batch *b, struct job *job)
{
    int sq = sqlite3_extended_errcode(db_of(b));
    struct err err = ERR_INIT;
    int code =
        sq && sq != SQLITE_ROW && sq != SQLITE_DONE ? sql_error(db_of(b), sq, "a write", &err) : 0;
    if (code == job->rc && of_the_disk(code))
        return give_up(b, code, &err);
    return sqlite3_get_autocommit(db_of(b)) ? LOST : DONE;
}

/* Runs one job in its own savepoint (or, `alone`, in the transaction itself). */
static enum outcome run_job(struct batch *b, struct job *job, bool alone)
{
    if (job->deadline_ns && clock_mono_ns() > job->deadline_ns) {
        job->rc = err_set(&job->err, ERR_TIMEOUT, "the write waited too long in its queue");
        return DONE;
    }
    job->rc = alone ? 0 : step(b, WRITER_SAVEPOINT, &job->err);
    if (job->rc)
        return of_the_disk(job->rc) ? give_up(b, job->rc, &job->err) : LOST;
    job->rc = call(b, job);
    if (job->rc) {
        enum outcome o = judge(b, job);
        if (o != DONE || alone)
            return o;
        if (step(b, WRITER_ROLLBACK_TO, NULL))
            return LOST;
    } else if (sqlite3_get_autocommit(db_of(b))) {
        job->rc = err_set(&job->err, ERR_INTERNAL, "the write ended its own transaction");
        return LOST;
    }
    if (!alone && step(b, WRITER_RELEASE, &job->err))
        return LOST;
    b->succeeded += job->rc == 0;
    return DONE;
}

static void add_ran(struct batch *b, struct job *job, int rc, const struct err *err)
{
    job->rc = rc;
    if (err)
        job->err = *err;
    if (rc) {
        feed_discard(job->events);
        job->events = NULL;
    }
    job_list_add(&b->ran, job);
}

/* What ran and is not answered yet, and did not fail by itself, fails. */
static void fail_ran(struct batch *b, int code, const struct err *err)
{
    struct job_list ran = b->ran;
    struct job *job;
    b->ran = (struct job_list){0};
    while ((job = job_list_take(&ran)))
        add_ran(b, job, job->rc ? job->rc : code, job->rc ? NULL : err);
}

static void fail_todo(struct batch *b, int code, const struct err *err)
{
    struct job *job;
    while ((job = job_list_take(&b->todo)))
        add_ran(b, job, code, err);
}

static enum outcome commit(struct batch *b, struct err *e)
{
    if (!b->succeeded) {
        undo(b);
        return DONE;
    }
    int rc = step(b, WRITER_COMMIT, e);
    if (!rc)
        return DONE;
    unsigned undone = b->succeeded;
    undo(b);
    b->succeeded = undone;
    e->code = (enum err_code)rc;
    return of_the_disk(rc) ? give_up(b, rc, e) : LOST;
}

/* One transaction for what can be done in time; the rest stays in todo. */
static enum outcome run_together(struct batch *b)
{
    struct err err = ERR_INIT;
    bool alone = b->todo.n == 1;
    int64_t until_ns = clock_mono_ns() + BATCH_NS_MAX;
    int rc = begin(b, &err);
    if (rc && of_the_disk(rc))
        return give_up(b, rc, &err);
    if (rc) {
        fail_todo(b, rc, &err);
        return DONE;
    }
    enum outcome o = DONE;
    while (o == DONE && b->todo.n && (!b->ran.n || clock_mono_ns() < until_ns)) {
        struct job *job = job_list_take(&b->todo);
        o = run_job(b, job, alone);
        job_list_add(&b->ran, job);
    }
    if (o == DONE)
        o = commit(b, &err);
    if (o == LOST && err.code && b->succeeded == 1) { /* nobody else can be the cause */
        fail_ran(b, (int)err.code, &err);
        b->succeeded = 0;
        return DONE;
    }
    return o;
}

/* What the lost transaction undid is to be done again, in the same order. */
static void collect_undone(struct batch *b)
{
    struct job_list ran = b->ran, todo = {0};
    struct job *job;
    b->ran = (struct job_list){0};
    while ((job = job_list_take(&ran))) {
        feed_discard(job->events);
        job->events = NULL;
        job_list_add(job->rc ? &b->ran : &todo, job);
        metric_add(&metric_reruns, !job->rc);
    }
    while ((job = job_list_take(&b->todo)))
        job_list_add(&todo, job);
    b->todo = todo;
}

static enum outcome run_alone(struct batch *b)
{
    struct err err = ERR_INIT;
    b->succeeded = 0;
    int rc = begin(b, &err);
    if (rc && of_the_disk(rc))
        return give_up(b, rc, &err);
    if (rc) {
        fail_todo(b, rc, &err); /* the rest would only wait as long again */
        return DONE;
    }
    struct job *job = job_list_take(&b->todo);
    enum outcome o = run_job(b, job, true);
    if (o == DONE)
        o = commit(b, &err);
    if (o == LOST && !job->rc) {
        job->rc = (int)err.code;
        job->err = err;
    }
    undo(b);
    add_ran(b, job, job->rc, NULL);
    return o == FATAL ? FATAL : DONE;
}

static enum outcome run(struct batch *b)
{
    enum outcome o = run_together(b);
    if (o == LOST) {
        undo(b);
        collect_undone(b);
        o = DONE;
        while (o == DONE && b->todo.n)
            o = run_alone(b);
    }
    if (o == FATAL) {
        undo(b);
        fail_ran(b, (int)b->fatal.code, &b->fatal);
        fail_todo(b, (int)b->fatal.code, &b->fatal);
    }
    return o;
}

/* Answers those that `which` says, in order; the others stay. */
enum answer { ANSWER_NOT_WAITING, ANSWER_ALL };

static void answer(struct batch *b, enum answer which)
{
    struct job_list ran = b->ran;
    struct job *job;
    b->ran = (struct job_list){0};
    while ((job = job_list_take(&ran))) {
        bool waits = !job->rc && job->durability != DURABILITY_RELAXED;
        if (waits && which == ANSWER_NOT_WAITING)
            job_list_add(&b->ran, job);
        else
            job_finish(b->en, job, job->rc);
    }
}

/* Takes the events of what succeeded, in order. */
static struct feed_event *take_events(struct batch *b)
{
    struct feed_event *first = NULL, **last = &first;
    for (struct job *job = b->ran.first; job; job = job->next) {
        struct feed_event *chain = NULL;
        while (job->events) { /* they are chained newest first */
            struct feed_event *ev = job->events;
            job->events = ev->next;
            ev->next = chain;
            ev->relaxed = job->durability == DURABILITY_RELAXED;
            chain = ev;
        }
        *last = chain;
        while (*last)
            last = &(*last)->next;
    }
    return first;
}

/* The flush failed: only the events of what was acknowledged before it remain. */
static struct feed_event *keep_relaxed(struct feed_event *chain)
{
    struct feed_event **at = &chain;
    while (*at) {
        struct feed_event *ev = *at;
        if (ev->relaxed) {
            at = &ev->next;
            continue;
        }
        *at = ev->next;
        ev->next = NULL;
        feed_discard(ev);
    }
    return chain;
}

static void split(const struct batch *b, unsigned *ret_done, bool *ret_flush)
{
    for (struct job *job = b->ran.first; job; job = job->next) {
        if (job->rc)
            continue;
        (*ret_done)++;
        job->reached =
            job->durability == DURABILITY_RELAXED ? DURABILITY_RELAXED : DURABILITY_LOCAL;
        *ret_flush |= job->durability != DURABILITY_RELAXED;
    }
}

/* The one place that every commit passes before it is acknowledged. On failure
 * the jobs stay to be answered, with that failure. */
static int acknowledge(struct batch *b, struct err *e)
{
    unsigned done = 0;
    bool must_flush = false;
    split(b, &done, &must_flush);
    int rc = done ? writer_check_files(b->w, e) : 0;
    if (rc) {
        fail_ran(b, rc, e);
        return rc;
    }
    struct feed_event *events = take_events(b);
    metric_inc(&metric_batches);
    if (must_flush) {
        answer(b, ANSWER_NOT_WAITING);
        rc = writer_flush(b->w, e);
    }
    if (rc) {
        events = keep_relaxed(events);
        fail_ran(b, rc, e);
    }
    feed_publish(b->en->feed, &b->t->name, b->w->source, events);
    metric_add(&metric_writes, rc ? 0 : done);
    return rc;
}

static void take_jobs(struct batch *b)
{
    struct tenant *t = b->t;
    struct job *job;
    pthread_mutex_lock(&t->lock);
    while (b->todo.n < BATCH_JOBS_MAX && (job = job_list_take(&t->writes)))
        job_list_add(&b->todo, job);
    pthread_mutex_unlock(&t->lock);
    atomic_fetch_sub(&b->en->waiting, b->todo.n);
    int64_t now_ns = clock_mono_ns();
    for (job = b->todo.first; job; job = job->next)
        metric_observe_ns(&metric_write_waits, now_ns - job->submitted_ns);
}

static void return_jobs(struct batch *b)
{
    if (!b->todo.n)
        return;
    struct tenant *t = b->t;
    struct job *job;
    atomic_fetch_add(&b->en->waiting, b->todo.n);
    pthread_mutex_lock(&t->lock);
    while ((job = job_list_take(&t->writes)))
        job_list_add(&b->todo, job);
    t->writes = b->todo;
    pthread_mutex_unlock(&t->lock);
    b->todo = (struct job_list){0};
}

static void run_batch(struct engine *en, struct tenant *t)
{
    struct batch b = {.en = en, .t = t, .w = t->writer};
    take_jobs(&b);
    if (!b.todo.n)
        return;
    struct err err = ERR_INIT;
    enum outcome o = run(&b);
    int rc = o == FATAL ? (int)b.fatal.code : acknowledge(&b, &err);
    return_jobs(&b);
    if (!rc) {
        answer(&b, ANSWER_ALL);
        rc = writer_checkpoint(b.w, &err);
    }
    err = o == FATAL ? b.fatal : err;
    err.code = (enum err_code)rc;
    /* The state first: whoever asks again after the answer finds it. */
    if (rc == ERR_REPLACED)
        tenant_let_go(en, t);
    else if (rc)
        tenant_fail(en, t, &err);
    answer(&b, ANSWER_ALL);
}

/* What a writer thread has to do with a tenant that it owns now. */
static void serve(struct engine *en, struct tenant *t)
{
    pthread_mutex_lock(&t->lock);
    bool close = t->close_wanted && !t->writes.n && !t->reads.n && !t->readers_busy;
    bool stale = t->stale;
    bool work = t->writes.n > 0;
    pthread_mutex_unlock(&t->lock);
    if (close) {
        if (t->state != TENANT_ABSENT)
            tenant_close(en, t);
        return;
    }
    if (stale && tenant_let_go(en, t))
        return;
    if (work && (t->state == TENANT_READY || !tenant_open(en, t)))
        run_batch(en, t);
}

void writer_turn(struct engine *en, struct tenant *t)
{
    pthread_mutex_lock(&t->lock);
    t->queued[WORKER_WRITE] = false;
    bool mine = !t->owned;
    t->owned = true;
    pthread_mutex_unlock(&t->lock);
    if (mine) {
        serve(en, t);
        tenant_disown(en, t, WORKER_WRITE);
    }
}
