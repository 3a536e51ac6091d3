/* Jobs: batches, failures inside of them, deadlines, queues, the end. */
#include "test/unit/engine/engine_fixture.h"

enum { CROWD = 40 };

static void test_write_then_read(void **state)
{
    struct engine_fixture *x = *state;
    struct engine *en = start(x);
    assert_int_equal(do_write(en, "acme", INSERT), 0);
    assert_int_equal(count_rows(en, "acme"), 1);
    assert_int_equal(count_rows(en, "other"), 0);
    assert_int_equal(catalog_count(en), 2);
    struct tenant_name acme = fixture_name("acme"), none = fixture_name("none");
    assert_true(catalog_has(en, &acme));
    assert_false(catalog_has(en, &none));
    assert_true(engine_ready(en, NULL));
}

static void test_what_is_acknowledged_is_there_after_a_restart(void **state)
{
    struct engine_fixture *x = *state;
    struct engine *en = start(x);
    assert_int_equal(do_write(en, "acme", INSERT), 0);
    stop(x);
    assert_false(fixture_exists(&x->f, "acme.db-wal"));
    assert_false(fixture_exists(&x->f, "acme.db-shm"));
    assert_int_equal(count_rows(start(x), "acme"), 1);
}

static void test_absent_tenant_is_not_made_unasked(void **state)
{
    struct engine_fixture *x = *state;
    struct engine *en = start(x);
    struct call c;
    call_init(&c, "acme", "SELECT 1", false);
    c.job.create = false;
    call_submit(en, &c);
    assert_int_equal(call_wait(&c), ERR_NOT_FOUND);
    assert_false(fixture_exists(&x->f, "acme.db"));
    assert_int_equal(do_write(en, "acme", INSERT), 0);
    call_init(&c, "acme", "SELECT 7", false);
    c.job.create = false;
    call_submit(en, &c);
    assert_int_equal(call_wait(&c), 0);
    assert_int_equal(c.value, 7);
}

static void test_closed_server_makes_no_tenant(void **state)
{
    struct engine_fixture *x = *state;
    x->config.create_open = false;
    struct engine *en = start(x);
    assert_int_equal(do_write(en, "acme", INSERT), ERR_NOT_FOUND);
    assert_int_equal(state_of(en, "acme"), TENANT_ABSENT);
    struct tenant_name t = fixture_name("acme");
    assert_ok(store_create(x->f.store, &t, e));
    assert_int_equal(do_write(en, "acme", INSERT), 0);
}

static void test_a_reader_cannot_write(void **state)
{
    struct engine *en = start(*state);
    long long n = -1;
    assert_int_equal(count_rows(en, "acme"), 0);
    assert_int_equal(do_read(en, "acme", INSERT, &n), ERR_READ_ONLY);
    assert_int_equal(do_read(en, "acme", "ATTACH '/etc/passwd' AS p", &n), ERR_PERMISSION);
    assert_int_equal(count_rows(en, "acme"), 0);
}

/* Holds the tenant's writer, so that what is submitted next is one batch. */
struct holder {
    struct call call;
    sem_t gate;
};

static void hold(struct engine *en, const char *tenant, struct holder *h)
{
    sem_init(&h->gate, 0, 0);
    call_init(&h->call, tenant, "SELECT 1", true);
    h->call.hold = &h->gate;
    call_submit(en, &h->call);
    wait_until(atomic_load(&h->call.inside));
}

static void let_go(struct holder *h)
{
    sem_post(&h->gate);
    assert_int_equal(call_wait(&h->call), 0);
}

static void submit_crowd(struct engine *en, struct call crowd[CROWD], int odd, const char *odd_sql)
{
    struct holder h;
    hold(en, "acme", &h);
    for (int i = 0; i < CROWD; i++) {
        call_init(&crowd[i], "acme", i == odd ? odd_sql : INSERT, true);
        call_submit(en, &crowd[i]);
    }
    let_go(&h);
}

static void test_a_failing_job_undoes_only_itself(void **state)
{
    struct engine *en = start(*state);
    struct call crowd[CROWD];
    submit_crowd(en, crowd, 7, "INSERT INTO row (text) VALUES ('a'), ('b'), (NULL)");
    for (int i = 0; i < CROWD; i++) {
        assert_int_equal(call_wait(&crowd[i]), i == 7 ? ERR_CONFLICT : 0);
        assert_int_equal(crowd[i].runs, 1);
    }
    assert_int_equal(count_rows(en, "acme"), CROWD - 1);
}

/* SQLite undoes the whole transaction: the others must not be lost with it. */
static void test_a_job_that_ends_the_transaction(void **state)
{
    struct engine *en = start(*state);
    struct call crowd[CROWD];
    submit_crowd(en, crowd, CROWD / 2, "INSERT OR ROLLBACK INTO row (text) VALUES ('a'), (NULL)");
    for (int i = 0; i < CROWD; i++) {
        assert_int_equal(call_wait(&crowd[i]), i == CROWD / 2 ? ERR_CONFLICT : 0);
        assert_int_equal(crowd[i].runs, i < CROWD / 2 ? 2 : 1);
    }
    assert_int_equal(count_rows(en, "acme"), CROWD - 1);
}

static void test_a_job_that_commits_by_itself(void **state)
{
    struct engine *en = start(*state);
    struct call crowd[CROWD];
    submit_crowd(en, crowd, CROWD - 1, "ROLLBACK");
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(call_wait(&crowd[i]), i == CROWD - 1 ? ERR_INTERNAL : 0);
    assert_int_equal(count_rows(en, "acme"), CROWD - 1);
}

/* Found only by COMMIT: nobody can be blamed, so each runs alone. */
static void test_a_violation_found_by_the_commit(void **state)
{
    struct engine *en = start(*state);
    assert_int_equal(
        do_write(en, "acme",
                 "CREATE TABLE child (parent INTEGER REFERENCES row (id) DEFERRABLE INITIALLY "
                 "DEFERRED)"),
        0);
    struct call crowd[CROWD];
    submit_crowd(en, crowd, 3, "INSERT INTO child VALUES (999999)");
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(call_wait(&crowd[i]), i == 3 ? ERR_CONFLICT : 0);
    assert_int_equal(count_rows(en, "acme"), CROWD - 1);
    assert_int_equal(do_write(en, "acme", "INSERT INTO child VALUES (999999)"), ERR_CONFLICT);
}

static void test_durability(void **state)
{
    struct engine *en = start(*state);
    static const enum durability reached[] = {[DURABILITY_RELAXED] = DURABILITY_RELAXED,
                                              [DURABILITY_LOCAL] = DURABILITY_LOCAL,
                                              [DURABILITY_REPLICA] = DURABILITY_LOCAL};
    for (int d = 0; d <= DURABILITY_REPLICA; d++) {
        struct call c;
        call_init(&c, "acme", INSERT, true);
        c.job.durability = (enum durability)d;
        call_submit(en, &c);
        assert_int_equal(call_wait(&c), 0);
        assert_int_equal(c.job.reached, reached[d]);
        enum durability parsed;
        assert_true(durability_parse(str_from(durability_name((enum durability)d)), &parsed));
        assert_int_equal(parsed, d);
    }
    enum durability d;
    assert_false(durability_parse(STR("strong"), &d));
}

static void test_a_full_queue_refuses(void **state)
{
    struct engine_fixture *x = *state;
    x->config.write_queue_max = 5;
    x->config.write_queue_total_max = 8;
    struct engine *en = start(x);
    struct holder one, two;
    struct call calls[10];
    hold(en, "one", &one);
    hold(en, "two", &two);
    for (int i = 0; i < 10; i++) {
        call_init(&calls[i], i < 6 ? "one" : "two", INSERT, true);
        call_submit(en, &calls[i]);
    }
    let_go(&one);
    let_go(&two);
    for (int i = 0; i < 10; i++)
        assert_int_equal(call_wait(&calls[i]), i == 5 || i == 9 ? ERR_BUSY : 0);
    assert_int_equal(count_rows(en, "one") + count_rows(en, "two"), 8);
}

static void test_deadlines_of_writes(void **state)
{
    struct engine *en = start(*state);
    struct holder h;
    struct call waits, runs, after;
    hold(en, "acme", &h);
    call_init(&waits, "acme", INSERT, true);
    waits.job.deadline_ns = clock_mono_ns() + 20 * NS_PER_MS;
    call_submit(en, &waits);
    call_init(&runs, "acme",
              "INSERT INTO row (text) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
              "FROM n) SELECT 'x' FROM n",
              true);
    runs.job.deadline_ns = clock_mono_ns() + 200 * NS_PER_MS;
    call_submit(en, &runs);
    call_init(&after, "acme", INSERT, true);
    call_submit(en, &after);
    usleep(30000);
    let_go(&h);
    assert_int_equal(call_wait(&waits), ERR_TIMEOUT);
    assert_int_equal(waits.runs, 0);
    assert_int_equal(call_wait(&runs), ERR_TIMEOUT);
    assert_int_equal(call_wait(&after), 0);
    assert_int_equal(count_rows(en, "acme"), 1);
}

#define FOR_EVER                                                                                   \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

static void test_deadlines_of_reads(void **state)
{
    struct engine *en = start(*state);
    assert_int_equal(count_rows(en, "acme"), 0);
    struct call c;
    call_init(&c, "acme", FOR_EVER, false);
    c.job.may_inline = true;
    c.job.deadline_ns = clock_mono_ns() + 100 * NS_PER_MS;
    call_submit(en, &c);
    assert_int_equal(call_wait(&c), ERR_TIMEOUT);
    assert_int_equal(c.runs, 2); /* where it was submitted, then on a reader thread */
    call_init(&c, "acme", "SELECT 1", false);
    c.job.deadline_ns = clock_mono_ns() - 1;
    call_submit(en, &c);
    assert_int_equal(call_wait(&c), ERR_TIMEOUT);
    assert_int_equal(c.runs, 0);
    assert_int_equal(count_rows(en, "acme"), 0);
}

static void test_reads_wait_for_a_connection(void **state)
{
    struct engine_fixture *x = *state;
    x->config.readers_max = 2;
    struct engine *en = start(x);
    sem_t gate;
    sem_init(&gate, 0, 0);
    struct call held[2], waits;
    for (int i = 0; i < 2; i++) {
        call_init(&held[i], "acme", "SELECT 1", false);
        held[i].hold = &gate;
        call_submit(en, &held[i]);
    }
    wait_until(atomic_load(&held[0].inside) && atomic_load(&held[1].inside));
    call_init(&waits, "acme", "SELECT 5", false);
    waits.job.may_inline = true;
    call_submit(en, &waits);
    usleep(20000);
    assert_int_equal(waits.answers, 0);
    assert_int_equal(count_rows(en, "other"), 0); /* others are served meanwhile */
    struct tenant_facts facts;
    struct tenant_name t = fixture_name("acme");
    assert_ok(engine_facts(en, &t, &facts, e));
    assert_int_equal(facts.readers, 2);
    assert_int_equal(facts.connections, 3);
    assert_int_equal(facts.schema_version, 2);
    sem_post(&gate);
    sem_post(&gate);
    assert_int_equal(call_wait(&waits), 0);
    assert_int_equal(waits.value, 5);
    for (int i = 0; i < 2; i++)
        assert_int_equal(call_wait(&held[i]), 0);
}

/* A read sees one moment, whatever is committed meanwhile. */
static void test_a_read_is_a_snapshot(void **state)
{
    struct engine *en = start(*state);
    sem_t gate;
    sem_init(&gate, 0, 0);
    struct call c;
    assert_int_equal(do_write(en, "acme", INSERT), 0);
    call_init(&c, "acme", "SELECT count(*) FROM row", false);
    c.hold = &gate;
    call_submit(en, &c);
    wait_until(atomic_load(&c.inside));
    assert_int_equal(do_write(en, "acme", INSERT), 0);
    sem_post(&gate);
    assert_int_equal(call_wait(&c), 0);
    assert_in_range(c.value, 1, 2);
    assert_int_equal(count_rows(en, "acme"), 2);
}

static int task(struct job *job)
{
    struct call *c = (struct call *)job;
    atomic_fetch_add(&c->runs, 1);
    return c->sql ? err_set(&job->err, ERR_CONFLICT, "%s", c->sql) : 0;
}

static void submit_task(struct engine *en, struct call *c, const char *failure, int64_t deadline_ns)
{
    call_init(c, "none", failure, false);
    c->job.read = NULL;
    c->job.task = task;
    c->job.deadline_ns = deadline_ns;
    call_submit(en, c);
}

static void test_tasks(void **state)
{
    struct engine *en = start(*state);
    struct call c;
    submit_task(en, &c, NULL, 0);
    assert_int_equal(call_wait(&c), 0);
    submit_task(en, &c, "it did not work", 0);
    assert_int_equal(call_wait(&c), ERR_CONFLICT);
    assert_string_equal(c.job.err.text, "it did not work");
    submit_task(en, &c, NULL, clock_mono_ns() - 1);
    assert_int_equal(call_wait(&c), ERR_TIMEOUT);
    assert_int_equal(c.runs, 0);
    assert_int_equal(state_of(en, "none"), TENANT_ABSENT);
}

struct closer {
    struct engine *en;
    _Atomic bool closed;
};

static void *close_engine(void *arg)
{
    struct closer *c = arg;
    engine_close(c->en);
    atomic_store(&c->closed, true);
    return NULL;
}

static void test_closing_loses_no_job(void **state)
{
    struct engine_fixture *x = *state;
    struct engine *en = start(x);
    struct holder h;
    struct call calls[200], late;
    hold(en, "t0", &h);
    for (int i = 0; i < 200; i++) {
        char name[8];
        snprintf(name, sizeof name, "t%d", i % 20);
        call_init(&calls[i], name, INSERT, true);
        call_submit(en, &calls[i]);
    }
    struct closer closer = {.en = en};
    pthread_t thread;
    pthread_create(&thread, NULL, close_engine, &closer);
    struct err err = ERR_INIT;
    wait_until(!engine_ready(en, &err)); /* it has begun */
    assert_int_equal(err.code, ERR_SHUTDOWN);
    call_init(&late, "t1", INSERT, true);
    call_submit(en, &late);
    assert_int_equal(call_wait(&late), ERR_SHUTDOWN);
    assert_false(atomic_load(&closer.closed));
    let_go(&h);
    pthread_join(thread, NULL);
    for (int i = 0; i < 200; i++)
        assert_int_equal(call_wait(&calls[i]), 0);
    x->en = NULL;
    en = start(x);
    for (int i = 0; i < 20; i++) {
        char name[8];
        snprintf(name, sizeof name, "t%d", i);
        assert_int_equal(count_rows(en, name), 10);
    }
}

static void test_a_second_server_is_refused(void **state)
{
    struct engine_fixture *x = *state;
    start(x);
    struct engine *second = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(engine_open(&x->config, &second, &err), ERR_EXISTS);
    assert_null(second);
}

static void test_ids_go_on(void **state)
{
    struct engine *en = start(*state);
    struct engine_stats stats;
    assert_int_equal(do_write(en, "acme", INSERT), 0);
    assert_int_equal(atomic_load(&fixture_opens), 1);
    engine_stats(en, &stats);
    assert_int_equal(stats.open_tenants, 1);
    assert_int_equal(stats.connections, 1);
    assert_int_equal(stats.write_queue, 0);
    assert_int_equal(stats.threads, 16 + 8 + 1);
}

#define ENGINE_TEST(f) cmocka_unit_test_setup_teardown(f, engine_setup, engine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(test_write_then_read),
        ENGINE_TEST(test_what_is_acknowledged_is_there_after_a_restart),
        ENGINE_TEST(test_absent_tenant_is_not_made_unasked),
        ENGINE_TEST(test_closed_server_makes_no_tenant),
        ENGINE_TEST(test_a_reader_cannot_write),
        ENGINE_TEST(test_a_failing_job_undoes_only_itself),
        ENGINE_TEST(test_a_job_that_ends_the_transaction),
        ENGINE_TEST(test_a_job_that_commits_by_itself),
        ENGINE_TEST(test_a_violation_found_by_the_commit),
        ENGINE_TEST(test_durability),
        ENGINE_TEST(test_a_full_queue_refuses),
        ENGINE_TEST(test_deadlines_of_writes),
        ENGINE_TEST(test_deadlines_of_reads),
        ENGINE_TEST(test_reads_wait_for_a_connection),
        ENGINE_TEST(test_a_read_is_a_snapshot),
        ENGINE_TEST(test_tasks),
        ENGINE_TEST(test_closing_loses_no_job),
        ENGINE_TEST(test_a_second_server_is_refused),
        ENGINE_TEST(test_ids_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
