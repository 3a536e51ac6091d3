/*
 * The engine closes while a tenant fails: its last job was answered, then the
 * disk failed as its WAL was copied into the database.
 */
#include "test/fault/fault_vfs.h"
#include "test/unit/engine/engine_fixture.h"

/* More than a checkpoint's worth of pages. */
#define BIG_INSERT "INSERT INTO row (text) VALUES (printf('%.*c', 4300000, 'x'))"

static void test_close_while_a_tenant_fails(void **state)
{
    struct engine_fixture *x = *state;
    struct engine *en = start(x);
    assert_int_equal(do_write(en, "acme", INSERT), 0);
    fault_vfs_fail(FAULT_TRUNCATE, 1, SQLITE_IOERR_TRUNCATE, true);
    fault_vfs_slow_close(30); /* so long it is failing */
    assert_int_equal(do_write(en, "acme", BIG_INSERT), 0);
    wait_until(state_of(en, "acme") == TENANT_FAILED);
    stop(x);
    fault_vfs_stop();
    fault_vfs_slow_close(0);
    assert_int_equal(count_rows(start(x), "acme"), 2);
}

static int setup(void **state)
{
    fault_vfs_install();
    return engine_setup(state);
}

static int teardown(void **state)
{
    int rc = engine_teardown(state);
    fault_vfs_remove();
    return rc;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_close_while_a_tenant_fails, setup, teardown),
    };
    conn_global_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
