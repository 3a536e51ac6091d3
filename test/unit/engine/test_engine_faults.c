/*
 * Each allocation and each file operation of the engine fails once: the answer
 * is an error or right, and the tenant works again soon after.
 */
#include "test/unit/engine/engine_fixture.h"

enum { MOST_POINTS = 500 };

/* A new tenant, a write, a second write, a read: how many were acknowledged. */
static int use(struct engine *en, const char *tenant, enum fault_kind kind, int64_t n)
{
    long long rows = -1;
    fault_arm(kind, n, false);
    int first = do_write(en, tenant, INSERT);
    int second = do_write(en, tenant, INSERT);
    int read = do_read(en, tenant, "SELECT count(*) FROM row", &rows);
    int acknowledged = !first + !second;
    if (!read)
        assert_in_range(rows, acknowledged, 2);
    return acknowledged;
}

static void sweep(struct engine_fixture *x, enum fault_kind kind)
{
    struct engine *en = start(x);
    int64_t n;
    bool fired = true;
    for (n = 1; fired; n++) {
        char tenant[16];
        snprintf(tenant, sizeof tenant, "t%d", (int)n);
        int acknowledged = use(en, tenant, kind, n);
        fired = fault_fired(kind) > 0;
        fault_arm(kind, 0, false);
        wait_until(do_write(en, tenant, INSERT) == 0);
        assert_in_range(count_rows(en, tenant), acknowledged + 1, 3);
        if (n > MOST_POINTS)
            fail_msg("it goes on for ever");
    }
    assert_true(n > 3); /* it did reach points that fail */
}

static void test_each_file_operation_fails(void **state)
{
    sweep(*state, FAULT_IO);
}

static void test_each_allocation_fails(void **state)
{
    sweep(*state, FAULT_ALLOC);
}

static void test_each_allocation_of_the_start_fails(void **state)
{
    struct engine_fixture *x = *state;
    int64_t n;
    bool fired = true;
    for (n = 1; fired; n++) {
        struct engine *en = NULL;
        struct err err = ERR_INIT;
        fault_arm(FAULT_ALLOC, n, false);
        int rc = engine_open(&x->config, &en, &err);
        fired = fault_fired(FAULT_ALLOC) > 0;
        fault_arm(FAULT_ALLOC, 0, false);
        assert_int_equal(err.code, rc);
        assert_true(rc == 0 || fired);
        engine_close(en);
    }
    assert_true(n > 10);
}

/* Nothing is acknowledged into a WAL whose flush failed, until every byte of it
 * was written again. */
static void test_a_flush_that_fails(void **state)
{
    struct engine_fixture *x = *state;
    struct engine *en = start(x);
    assert_int_equal(do_write(en, "acme", INSERT), 0);
    sem_t gate;
    sem_init(&gate, 0, 0);
    struct call calls[3];
    for (int i = 0; i < 3; i++) {
        call_init(&calls[i], "acme", INSERT, true);
        calls[i].hold = i == 0 ? &gate : NULL;
    }
    call_submit(en, &calls[0]);
    wait_until(atomic_load(&calls[0].inside));
    fault_arm(FAULT_IO, 1, false); /* the next file operation is that flush */
    calls[2].job.durability = DURABILITY_RELAXED;
    call_submit(en, &calls[1]); /* these two wait, for a tenant that fails */
    call_submit(en, &calls[2]);
    sem_post(&gate);
    for (int i = 0; i < 3; i++)
        assert_int_equal(call_wait(&calls[i]), ERR_IO);
    assert_int_equal(fault_fired(FAULT_IO), 1);
    assert_int_equal(state_of(en, "acme"), TENANT_FAILED);
    wait_until(do_write(en, "acme", INSERT) == 0);
    assert_in_range(count_rows(en, "acme"), 2, 3);
    stop(x);
    assert_in_range(count_rows(start(x), "acme"), 2, 3);
}

/* What does not want a flush is acknowledged although the flush of its batch
 * fails, and its event goes out. */
static void wake_nothing(void *ctx)
{
    (void)ctx;
}

static void test_relaxed_beside_a_flush_that_fails(void **state)
{
    struct engine *en = start(*state);
    struct tenant_name t = fixture_name("acme");
    struct feed_subscription *sub = NULL;
    bool gap = false;
    sem_t gate;
    sem_init(&gate, 0, 0);
    struct call hold, local, relaxed;
    assert_ok(feed_subscribe(en, &t, STR(""), wake_nothing, NULL, &sub, &gap, e));
    call_init(&hold, "acme", "SELECT 1", true);
    hold.hold = &gate;
    hold.job.durability = DURABILITY_RELAXED;
    call_submit(en, &hold);
    wait_until(atomic_load(&hold.inside));
    call_init(&local, "acme", INSERT, true);
    call_submit(en, &local);
    call_init(&relaxed, "acme", "INSERT INTO row (text) VALUES ('relaxed')", true);
    relaxed.job.durability = DURABILITY_RELAXED;
    call_submit(en, &relaxed);
    fault_arm(FAULT_IO, 1, false);
    sem_post(&gate);
    assert_int_equal(call_wait(&hold), 0);
    assert_int_equal(call_wait(&local), ERR_IO);
    assert_int_equal(call_wait(&relaxed), 0);
    assert_int_equal(relaxed.job.reached, DURABILITY_RELAXED);
    wait_until(do_write(en, "acme", INSERT) == 0);
    long long n = -1;
    assert_int_equal(do_read(en, "acme", "SELECT count(*) FROM row WHERE text = 'relaxed'", &n), 0);
    assert_int_equal(n, 1);
    const char *expected[] = {"SELECT 1", "INSERT INTO row (text) VALUES ('relaxed')", INSERT};
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        struct feed_event *ev = feed_next(sub, &gap);
        assert_non_null(ev);
        assert_true(str_eq(ev->data, str_from(expected[i])));
        feed_event_unref(ev);
    }
    feed_unsubscribe(sub);
}

#define ENGINE_TEST(f) cmocka_unit_test_setup_teardown(f, engine_setup, engine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(test_each_file_operation_fails),
        ENGINE_TEST(test_each_allocation_fails),
        ENGINE_TEST(test_each_allocation_of_the_start_fails),
        ENGINE_TEST(test_a_flush_that_fails),
        ENGINE_TEST(test_relaxed_beside_a_flush_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
