/*
 * The clock of the day jumps forward and back: ids stay above those before,
 * deadlines and idle times do not notice.
 */
#include "test/fault/fault_libc.h"
#include "test/unit/engine/engine_fixture.h"

enum { JOBS = 600, TENANTS = 3, IN_FLIGHT = 16 };

#define DAY  (INT64_C(86400) * NS_PER_S)
#define YEAR (366 * DAY)

static const int64_t shifts[] = {0,         DAY,       -2 * DAY, 100 * YEAR, -30 * YEAR,
                                 NS_PER_MS, -NS_PER_S, NS_PER_S, YEAR,       -100 * YEAR};

/* Ids: each row's text is one, rows are numbered in the order of their writes. */

static int tell_highest(struct write_tx *tx, struct uuid_gen *ids, struct err *e)
{
    sqlite3 *db = tx->reader.conn.db;
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT max(text) FROM row", -1, &st, NULL);
    if (!rc && sqlite3_step(st) == SQLITE_ROW && sqlite3_column_text(st, 0))
        uuid_v7_seen(ids, str_from((const char *)sqlite3_column_text(st, 0)));
    sqlite3_finalize(st);
    return rc ? sql_error(db, rc, "tell_highest", e) : 0;
}

static int write_id(struct job *job, struct write_tx *tx)
{
    char id[UUID_TEXT_BYTES], sql[128];
    struct str text = uuid_v7(write_tx_ids(tx), id);
    snprintf(sql, sizeof sql, "INSERT INTO row (text) VALUES ('%.*s')", STR_ARG(text));
    int rc = sqlite3_exec(tx->reader.conn.db, sql, NULL, NULL, NULL);
    return rc ? sql_error(tx->reader.conn.db, rc, "insert", &job->err) : 0;
}

static void write_ids(struct engine *en, unsigned seed)
{
    static struct call calls[IN_FLIGHT];
    for (int done = 0; done < JOBS; done += IN_FLIGHT) {
        fault_clock_shift(shifts[(seed + (unsigned)done / IN_FLIGHT) % COUNT_OF(shifts)]);
        for (int i = 0; i < IN_FLIGHT; i++) {
            char tenant[16];
            snprintf(tenant, sizeof tenant, "t%d", i % TENANTS);
            call_init(&calls[i], tenant, "", true);
            calls[i].job.write = write_id;
            call_submit(en, &calls[i]);
        }
        for (int i = 0; i < IN_FLIGHT; i++)
            assert_int_equal(call_wait(&calls[i]), 0);
    }
}

static void test_ids_stay_in_order(void **state)
{
    struct engine_fixture *x = *state;
    x->config.app.on_open = tell_highest;
    for (unsigned run = 0; run < 4; run++) {
        fault_clock_shift(shifts[run + 1]);
        write_ids(start(x), run);
        stop(x);
    }
    for (int t = 0; t < TENANTS; t++) {
        char tenant[16];
        snprintf(tenant, sizeof tenant, "t%d", t);
        struct conn c = fixture_open(&x->f, tenant, CONN_READ);
        assert_true(fixture_int(c.db, "SELECT count(*) FROM row") >= 4 * JOBS / TENANTS - 200);
        assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM (SELECT text, lag(text) OVER"
                                           " (ORDER BY id) AS before FROM row)"
                                           " WHERE before >= text"),
                         0);
        conn_close(&c);
    }
}

/* A job that waits behind another while the clock jumps. */
static int wait_behind(struct engine_fixture *x, int64_t deadline_ms, int64_t held_ms,
                       int64_t shift)
{
    struct call holder, waiter;
    sem_t hold;
    fault_clock_shift(0);
    assert_int_equal(do_write(x->en, "acme", INSERT), 0);
    sem_init(&hold, 0, 0);
    call_init(&holder, "acme", INSERT, true);
    holder.hold = &hold;
    call_submit(x->en, &holder);
    wait_until(holder.inside);
    call_init(&waiter, "acme", INSERT, true);
    waiter.job.deadline_ns = clock_mono_ns() + deadline_ms * NS_PER_MS;
    call_submit(x->en, &waiter);
    fault_clock_shift(shift);
    usleep((useconds_t)held_ms * 1000);
    sem_post(&hold);
    int rc = call_wait(&waiter);
    assert_int_equal(call_wait(&holder), 0);
    sem_destroy(&hold);
    return rc;
}

static void test_deadlines_do_not_notice(void **state)
{
    struct engine_fixture *x = *state;
    start(x);
    assert_int_equal(wait_behind(x, 30000, 20, YEAR), 0);
    assert_int_equal(wait_behind(x, 30000, 20, -YEAR), 0);
    assert_int_equal(wait_behind(x, 5, 20, -YEAR), ERR_TIMEOUT);
    assert_int_equal(wait_behind(x, 5, 20, YEAR), ERR_TIMEOUT);
}

static void test_idle_times_do_not_notice(void **state)
{
    struct engine_fixture *x = *state;
    x->config.idle_close_ms = 30000;
    start(x);
    assert_int_equal(do_write(x->en, "acme", INSERT), 0);
    fault_clock_shift(YEAR);
    usleep(1500 * 1000); /* the janitor looks every second */
    assert_int_equal(state_of(x->en, "acme"), TENANT_READY);
    stop(x);
    fault_clock_shift(0);
    x->config.idle_close_ms = 100;
    start(x);
    assert_int_equal(do_write(x->en, "acme", INSERT), 0);
    fault_clock_shift(-YEAR);
    wait_until(state_of(x->en, "acme") == TENANT_ABSENT);
}

/* A summary is read again after a write, whatever the clock says. */
static void test_summaries_do_not_notice(void **state)
{
    struct engine_fixture *x = *state;
    struct tenant_name t = fixture_name("acme");
    struct tenant_summary summary;
    int64_t bytes;
    start(x);
    for (size_t i = 0; i < COUNT_OF(shifts); i++) {
        assert_int_equal(do_write(x->en, "acme", INSERT), 0);
        fault_clock_shift(shifts[i]);
        for (int twice = 0; twice < 2; twice++) {
            assert_ok(engine_summary(x->en, &t, &summary, &bytes, e));
            assert_int_equal(summary.rows, i + 1);
        }
    }
}

static int setup(void **state)
{
    fault_clock_shift(0);
    return engine_setup(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ids_stay_in_order, setup, engine_teardown),
        cmocka_unit_test_setup_teardown(test_deadlines_do_not_notice, setup, engine_teardown),
        cmocka_unit_test_setup_teardown(test_idle_times_do_not_notice, setup, engine_teardown),
        cmocka_unit_test_setup_teardown(test_summaries_do_not_notice, setup, engine_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
