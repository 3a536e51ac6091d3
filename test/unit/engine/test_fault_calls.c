/*
 * Every system call fails in turn, once and for ever: the engine's own and
 * SQLite's, with an errno that the system would give; and there are no
 * descriptors left, for real (test/fault/scenario.h says what must hold).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/resource.h>

#include "engine/conn.h"
#include "test/fault/fault_alloc.h"
#include "test/fault/fault_libc.h"
#include "test/fault/scenario_internal.h"
#include "test/fault/sweep.h"

static enum fault_libc_call chosen;
static int chosen_errno;

static void arm(int64_t n, bool for_ever)
{
    fault_count_arm(&fault_libc, n, for_ever);
    fault_libc_choose(chosen, chosen_errno);
}

static void disarm(void)
{
    fault_libc_choose(LIBC_NONE, 0);
}

static int64_t fired(void)
{
    return atomic_load(&fault_libc.fired);
}

static int64_t calls(void)
{
    return atomic_load(&fault_libc.calls);
}

static void sweep_call(const char *name, enum fault_libc_call call, int error, bool big)
{
    const struct fault_source s = {
        .name = name, .arm = arm, .disarm = disarm, .fired = fired, .calls = calls};
    chosen = call;
    chosen_errno = error;
    sweep(&s, SWEEP_BOTH, big);
}

static void test_open(void **state)
{
    (void)state;
    sweep_call("open, EMFILE", LIBC_OPEN, EMFILE, false);
    sweep_call("open, EACCES", LIBC_OPEN, EACCES, false);
}

static void test_read(void **state)
{
    (void)state;
    sweep_call("read, EIO", LIBC_READ, EIO, false);
}

static void test_write(void **state)
{
    (void)state;
    sweep_call("write, ENOSPC", LIBC_WRITE, ENOSPC, true);
    sweep_call("write, EIO", LIBC_WRITE, EIO, false);
    sweep_call("write, EROFS", LIBC_WRITE, EROFS, false);
}

static void test_sync(void **state)
{
    (void)state;
    sweep_call("fsync, EIO", LIBC_SYNC, EIO, false);
}

static void test_size(void **state)
{
    (void)state;
    sweep_call("ftruncate, EIO", LIBC_SIZE, EIO, true);
}

static void test_names(void **state)
{
    (void)state;
    sweep_call("rename and mkdir, ENOSPC", LIBC_NAME, ENOSPC, false);
    sweep_call("unlink, EIO", LIBC_UNLINK, EIO, false);
}

static void test_look(void **state)
{
    (void)state;
    sweep_call("stat, EIO", LIBC_LOOK, EIO, false);
}

static void test_lock(void **state)
{
    (void)state;
    sweep_call("locks, ENOLCK", LIBC_LOCK, ENOLCK, false);
}

static void test_memory(void **state)
{
    (void)state;
    sweep_call("mmap, ENOMEM", LIBC_MAP, ENOMEM, false);
    sweep_call("threads, EAGAIN", LIBC_THREAD, EAGAIN, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open), cmocka_unit_test(test_read), cmocka_unit_test(test_write),
        cmocka_unit_test(test_sync), cmocka_unit_test(test_size), cmocka_unit_test(test_names),
        cmocka_unit_test(test_look), cmocka_unit_test(test_lock), cmocka_unit_test(test_memory),
    };
    fault_sqlite_alloc_install();
    conn_global_init();
    fault_libc_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
