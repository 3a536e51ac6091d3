/*
 * An engine on a folder of its own, and jobs that can be waited for. The
 * application is store_fixture.h's; a job's SQL is given as text, since tests
 * need statements that no generated query would contain.
 */
#ifndef ROWHOUSE_TEST_ENGINE_FIXTURE_H
#define ROWHOUSE_TEST_ENGINE_FIXTURE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "base/fault.h"
#include "engine/engine.h"
#include "test/unit/engine/store_fixture.h"

struct engine_fixture {
    struct fixture f; /* its store is the test's own, beside the engine's */
    struct engine_config config;
    struct engine *en;
};

static _Atomic int fixture_opens; /* calls of on_open */

static inline int fixture_on_open(struct write_tx *tx, struct uuid_gen *ids, struct err *e)
{
    (void)tx, (void)ids, (void)e;
    atomic_fetch_add(&fixture_opens, 1);
    return 0;
}

/* Waits for up to 10 s until `condition` holds. */
#define wait_until(condition)                                                                      \
    do {                                                                                           \
        for (int tries_ = 0; !(condition); tries_++) {                                             \
            if (tries_ > 10000)                                                                    \
                fail_msg("never: %s", #condition);                                                 \
            usleep(1000);                                                                          \
        }                                                                                          \
    } while (0)

static inline int engine_setup(void **state)
{
    struct engine_fixture *x = calloc(1, sizeof *x);
    strcpy(x->f.path, "/tmp/rowhouse-test-XXXXXX");
    if (!mkdtemp(x->f.path) || store_open(x->f.path, false, &fixture_app, &x->f.store, NULL))
        return -1;
    engine_config_standard(&x->config);
    x->config.path = x->f.path;
    x->config.app = fixture_app;
    x->config.app.on_open = fixture_on_open;
    x->config.failed_retry_ms = 200;
    atomic_store(&fixture_opens, 0);
    *state = x;
    return 0;
}

static inline int engine_teardown(void **state)
{
    struct engine_fixture *x = *state;
    fault_arm(FAULT_IO, 0, false);
    fault_arm(FAULT_ALLOC, 0, false);
    engine_close(x->en);
    store_close(x->f.store);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", x->f.path);
    int rc = system(command);
    free(x);
    return rc;
}

static inline struct engine *start(struct engine_fixture *x)
{
    assert_ok(engine_open(&x->config, &x->en, e));
    return x->en;
}

static inline void stop(struct engine_fixture *x)
{
    engine_close(x->en);
    x->en = NULL;
}

struct call {
    struct job job;
    const char *sql;     /* run by the job */
    long long value;     /* of the first column of the last row */
    _Atomic int runs;    /* how often the job's function was called */
    sem_t *hold;         /* waited for inside of the job */
    _Atomic bool inside; /* it waits there, or has */
    sem_t done;
    int rc; /* of the answer */
    int answers;
};

static inline int call_sql(struct call *c, sqlite3 *db)
{
    atomic_fetch_add(&c->runs, 1);
    atomic_store(&c->inside, true);
    if (c->hold)
        sem_wait(c->hold);
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, c->sql, -1, &st, NULL);
    while (!rc && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        c->value = sqlite3_column_int64(st, 0);
        rc = 0;
    }
    rc = rc == SQLITE_DONE ? 0 : rc;
    int code = rc ? sql_error(db, rc, "call", &c->job.err) : 0;
    sqlite3_finalize(st);
    return code;
}

static inline int call_write(struct job *job, struct write_tx *tx)
{
    struct call *c = (struct call *)job;
    int rc = call_sql(c, tx->reader.conn.db);
    return rc ? rc : write_tx_emit(tx, STR("row.written"), str_from(c->sql));
}

static inline int call_read(struct job *job, struct reader *r)
{
    return call_sql((struct call *)job, r->conn.db);
}

static inline void call_done(struct job *job, int rc)
{
    struct call *c = (struct call *)job;
    c->rc = rc;
    c->answers++;
    sem_post(&c->done);
}

static inline void call_init(struct call *c, const char *tenant, const char *sql, bool write)
{
    *c = (struct call){.sql = sql, .value = -1};
    c->job.tenant = fixture_name(tenant);
    c->job.create = true;
    c->job.durability = DURABILITY_LOCAL;
    c->job.deadline_ns = clock_mono_ns() + 30 * NS_PER_S;
    c->job.write = write ? call_write : NULL;
    c->job.read = write ? NULL : call_read;
    c->job.done = call_done;
    sem_init(&c->done, 0, 0);
}

static inline void call_submit(struct engine *en, struct call *c)
{
    int rc = engine_submit(en, &c->job);
    if (rc != ERR_AGAIN)
        call_done(&c->job, rc);
}

static inline int call_wait(struct call *c)
{
    sem_wait(&c->done);
    assert_int_equal(c->answers, 1);
    if (c->rc)
        assert_int_equal(c->job.err.code, c->rc);
    return c->rc;
}

static inline int do_write(struct engine *en, const char *tenant, const char *sql)
{
    struct call c;
    call_init(&c, tenant, sql, true);
    call_submit(en, &c);
    return call_wait(&c);
}

static inline int do_read(struct engine *en, const char *tenant, const char *sql,
                          long long *ret_value)
{
    struct call c;
    call_init(&c, tenant, sql, false);
    c.job.may_inline = true;
    call_submit(en, &c);
    int rc = call_wait(&c);
    if (!rc)
        *ret_value = c.value;
    return rc;
}

static inline long long count_rows(struct engine *en, const char *tenant)
{
    long long n = -1;
    assert_int_equal(do_read(en, tenant, "SELECT count(*) FROM row", &n), 0);
    return n;
}

static inline enum tenant_state state_of(struct engine *en, const char *tenant)
{
    struct tenant_name t = fixture_name(tenant);
    struct tenant_facts facts;
    struct err err;
    return engine_facts(en, &t, &facts, &err) ? TENANT_ABSENT : facts.state;
}

#define INSERT "INSERT INTO row (text) VALUES ('x')"

#endif
