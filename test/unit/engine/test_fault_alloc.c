/*
 * Memory runs out at every allocation in turn, once and for ever: SQLite's, and
 * the engine's by malloc, calloc and realloc, among which are all that it marks
 * as fault points (test/fault/scenario.h says what must hold).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/conn.h"
#include "test/fault/fault_alloc.h"
#include "test/fault/sweep.h"

static struct fault_count *armed;

static void arm(int64_t n, bool for_ever)
{
    fault_count_arm(armed, n, for_ever);
}

static void disarm(void)
{
    fault_count_disarm(armed);
}

static int64_t fired(void)
{
    return atomic_load(&armed->fired);
}

static int64_t calls(void)
{
    return atomic_load(&armed->calls);
}

static void sweep_count(const char *name, struct fault_count *count, unsigned flags)
{
    armed = count;
    const struct fault_source s = {
        .name = name, .arm = arm, .disarm = disarm, .fired = fired, .calls = calls};
    sweep(&s, flags);
}

static void test_sqlite(void **state)
{
    (void)state;
    sweep_count("SQLite's memory", &fault_sqlite_alloc, SWEEP_BOTH);
}

/* Also while the WAL is copied into the database. */
static void test_sqlite_big(void **state)
{
    (void)state;
    sweep_count("SQLite's memory, much written", &fault_sqlite_alloc, SWEEP_BOTH | SWEEP_BIG);
}

static void test_engine(void **state)
{
    (void)state;
    sweep_count("the engine's memory", &fault_libc_alloc, SWEEP_BOTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine),
        cmocka_unit_test(test_sqlite),
        cmocka_unit_test(test_sqlite_big),
    };
    sweep_share(1000);
    fault_sqlite_alloc_install();
    conn_global_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
