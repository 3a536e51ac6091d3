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

/* With so many more than there are the scenario lacks none. */
enum { DESCRIPTORS_ENOUGH = 40 };

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

static void sweep_some(const char *name, enum fault_libc_call call, int error, unsigned flags)
{
    const struct fault_source s = {
        .name = name, .arm = arm, .disarm = disarm, .fired = fired, .calls = calls};
    chosen = call;
    chosen_errno = error;
    sweep(&s, flags);
}

static void sweep_call(const char *name, enum fault_libc_call call, int error)
{
    sweep_some(name, call, error, SWEEP_BOTH);
}

static void test_open(void **state)
{
    (void)state;
    sweep_call("open, EMFILE", LIBC_OPEN, EMFILE);
    sweep_call("open, EACCES", LIBC_OPEN, EACCES);
}

static void test_read(void **state)
{
    (void)state;
    sweep_call("read, EIO", LIBC_READ, EIO);
}

static void test_write(void **state)
{
    (void)state;
    sweep_some("write, ENOSPC", LIBC_WRITE, ENOSPC, SWEEP_BOTH | SWEEP_BIG);
    sweep_call("write, EIO", LIBC_WRITE, EIO);
    sweep_call("write, EROFS", LIBC_WRITE, EROFS);
}

static void test_sync(void **state)
{
    (void)state;
    sweep_call("fsync, EIO", LIBC_SYNC, EIO);
}

static void test_size(void **state)
{
    (void)state;
    sweep_some("ftruncate, EIO", LIBC_SIZE, EIO, SWEEP_BOTH | SWEEP_BIG);
}

static void test_names(void **state)
{
    (void)state;
    sweep_call("rename and mkdir, ENOSPC", LIBC_NAME, ENOSPC);
    sweep_call("unlink, EIO", LIBC_UNLINK, EIO);
}

static void test_look(void **state)
{
    (void)state;
    sweep_call("stat, EIO", LIBC_LOOK, EIO);
}

static void test_lock(void **state)
{
    (void)state;
    sweep_call("our locks, ENOLCK", LIBC_LOCK, ENOLCK);
    /* Not for ever: SQLite tries the locks of its WAL for ten seconds each. */
    sweep_some("locks of SQLite, ENOLCK", LIBC_LOCK_SQLITE, ENOLCK, SWEEP_ONCE);
}

static void test_memory(void **state)
{
    (void)state;
    sweep_call("mmap, ENOMEM", LIBC_MAP, ENOMEM);
    sweep_call("threads, EAGAIN", LIBC_THREAD, EAGAIN);
}

/* No descriptors left, for real: the limit is as many as there are and n - 1. */

static struct rlimit limit;
static bool limited;

static void limit_descriptors(int64_t n, bool for_ever)
{
    (void)for_ever;
    struct rlimit low = limit;
    low.rlim_cur = (rlim_t)(scenario_descriptors() + n - 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    limited = true;
}

static void lift_limit(void)
{
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static int64_t never(void)
{
    return 0;
}

static int64_t is_limited(void)
{
    return limited;
}

static void test_descriptors(void **state)
{
    static const struct fault_source s = {.name = "descriptors left",
                                          .arm = limit_descriptors,
                                          .disarm = lift_limit,
                                          .fired = is_limited,
                                          .calls = is_limited};
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int64_t n = 1; n <= DESCRIPTORS_ENOUGH; n += sweep_is_full() ? 1 : 3) {
        const struct scenario_options options = {.close_under_fault = n / 3 % 2 == 0};
        limited = false;
        scenario_run(&s, n, true, &options);
    }
    static const struct fault_source none = {.name = "enough descriptors",
                                             .arm = limit_descriptors,
                                             .disarm = lift_limit,
                                             .fired = never,
                                             .calls = never};
    scenario_run(&none, DESCRIPTORS_ENOUGH, true, &(struct scenario_options){0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),   cmocka_unit_test(test_read),
        cmocka_unit_test(test_write),  cmocka_unit_test(test_sync),
        cmocka_unit_test(test_size),   cmocka_unit_test(test_names),
        cmocka_unit_test(test_look),   cmocka_unit_test(test_lock),
        cmocka_unit_test(test_memory), cmocka_unit_test(test_descriptors),
    };
    fault_sqlite_alloc_install();
    conn_global_init();
    fault_libc_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
