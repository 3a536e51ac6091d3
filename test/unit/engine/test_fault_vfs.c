/*
 * Every call of SQLite into its file system fails in turn, once and for ever:
 * of all tenants, and of one while the others must not notice. At the end of
 * each run the power fails too (test/fault/scenario.h says what must hold).
 *
 * After a flush that failed the disk never gets what was to be flushed, so a
 * flush that is merely tried again loses writes here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "engine/conn.h"
#include "test/fault/fault_alloc.h"
#include "test/fault/fault_vfs.h"
#include "test/fault/sweep.h"

static enum fault_call call;
static int code;
static int64_t calls_before;
static const char *only;

static void arm(int64_t n, bool for_ever)
{
    fault_vfs_only(only);
    fault_vfs_fail(call, n, code, for_ever);
    calls_before = fault_vfs_calls(call);
}

static void disarm(void)
{
    fault_vfs_stop();
}

static int64_t calls(void)
{
    return fault_vfs_calls(call) - calls_before;
}

static void sweep_call(const char *name, enum fault_call which, int sqlite_rc, unsigned flags)
{
    struct fault_source s = {.name = name,
                             .arm = arm,
                             .disarm = disarm,
                             .fired = fault_vfs_failed,
                             .calls = calls,
                             .disk = true};
    call = which;
    code = sqlite_rc;
    only = NULL;
    sweep(&s, flags);
    s.alpha_only = true;
    only = "/alpha.db";
    sweep(&s, flags);
}

static void test_write_full(void **state)
{
    (void)state;
    sweep_call("write, the disk is full", FAULT_WRITE, SQLITE_FULL, SWEEP_BOTH | SWEEP_BIG);
}

static void test_write_error(void **state)
{
    (void)state;
    sweep_call("write, an error", FAULT_WRITE, SQLITE_IOERR_WRITE, SWEEP_BOTH);
}

static void test_sync(void **state)
{
    (void)state;
    sweep_call("sync", FAULT_SYNC, SQLITE_IOERR_FSYNC, SWEEP_BOTH | SWEEP_BIG);
}

static void test_read(void **state)
{
    (void)state;
    sweep_call("read", FAULT_READ, SQLITE_IOERR_READ, SWEEP_BOTH);
}

static void test_open(void **state)
{
    (void)state;
    sweep_call("open", FAULT_OPEN, SQLITE_CANTOPEN, SWEEP_BOTH);
}

static void test_truncate(void **state)
{
    (void)state;
    sweep_call("truncate", FAULT_TRUNCATE, SQLITE_IOERR_TRUNCATE, SWEEP_BOTH | SWEEP_BIG);
}

static void test_size(void **state)
{
    (void)state;
    sweep_call("file size", FAULT_SIZE, SQLITE_IOERR_FSTAT, SWEEP_BOTH);
}

static void test_lock(void **state)
{
    (void)state;
    sweep_call("lock, an error", FAULT_LOCK, SQLITE_IOERR_LOCK, SWEEP_BOTH);
    sweep_call("lock, busy", FAULT_LOCK, SQLITE_BUSY, SWEEP_ONCE);
}

static void test_shared_memory(void **state)
{
    (void)state;
    sweep_call("shared memory", FAULT_SHM_MAP, SQLITE_IOERR_SHMMAP, SWEEP_BOTH);
    sweep_call("lock of the WAL, an error", FAULT_SHM_LOCK, SQLITE_IOERR_SHMLOCK, SWEEP_BOTH);
    sweep_call("lock of the WAL, busy", FAULT_SHM_LOCK, SQLITE_BUSY, SWEEP_ONCE);
}

static void test_names(void **state)
{
    (void)state;
    sweep_call("delete", FAULT_DELETE, SQLITE_IOERR_DELETE, SWEEP_BOTH);
    sweep_call("access", FAULT_ACCESS, SQLITE_IOERR_ACCESS, SWEEP_BOTH);
}

/* Also while tenants close for being idle, and while the WAL is emptied. */
static void test_closing(void **state)
{
    (void)state;
    sweep_call("sync, idle tenants", FAULT_SYNC, SQLITE_IOERR_FSYNC, SWEEP_BOTH | SWEEP_IDLE);
    if (sweep_is_full())
        sweep_call("truncate, huge", FAULT_TRUNCATE, SQLITE_IOERR_TRUNCATE,
                   SWEEP_BOTH | SWEEP_HUGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_full),    cmocka_unit_test(test_write_error),
        cmocka_unit_test(test_sync),          cmocka_unit_test(test_read),
        cmocka_unit_test(test_open),          cmocka_unit_test(test_truncate),
        cmocka_unit_test(test_size),          cmocka_unit_test(test_lock),
        cmocka_unit_test(test_shared_memory), cmocka_unit_test(test_names),
        cmocka_unit_test(test_closing),
    };
    sweep_share(30);
    fault_sqlite_alloc_install();
    conn_global_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
