#include "test/fault/sweep.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

enum { RUNS_LEAST = 3, RUNS_BIG = 300, HANGS_S = 120 };

static int64_t share_ms = 50;

void sweep_share(int64_t ms)
{
    share_ms = ms;
}

/* Of the run that is going on, for those who end the program. */
static char now[128];

static void on_death(int signal)
{
    static const char hangs[] = "# it hangs: ", died[] = "# it died: ";
    ssize_t n = signal == SIGALRM ? write(STDERR_FILENO, hangs, sizeof hangs - 1)
                                  : write(STDERR_FILENO, died, sizeof died - 1);
    if (n > 0)
        n = write(STDERR_FILENO, now, strnlen(now, sizeof now));
    if (signal == SIGALRM)
        abort();
    _exit(n > 0 ? 99 : 98);
}

static void watch(const struct fault_source *s, int64_t n, bool for_ever)
{
    static bool installed;
    if (!installed) {
        signal(SIGALRM, on_death);
        signal(SIGABRT, on_death);
        installed = true;
    }
    snprintf(now, sizeof now, "%s, call %lld%s\n", s->name, (long long)n,
             for_ever ? " and all after it" : "");
    alarm(HANGS_S);
}

bool sweep_is_full(void)
{
    const char *set = getenv("FAULT_FULL");
    return set && *set && strcmp(set, "0") != 0;
}

static int64_t run(const struct fault_source *s, int64_t n, bool for_ever, unsigned flags)
{
    const struct scenario_options options = {.big = flags & SWEEP_BIG,
                                             .huge = flags & SWEEP_HUGE,
                                             .idle = flags & SWEEP_IDLE,
                                             .close_under_fault = n / 4 % 2 == 0};
    watch(s, n, for_ever);
    int64_t fired = scenario_run(s, n, for_ever, &options);
    alarm(0);
    return fired;
}

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* How far apart the calls that are picked lie. With much written most are those
 * of one page after the other: RUNS_BIG of them tell as much as all. */
static int64_t stride(int64_t calls, int64_t run_ns, unsigned flags)
{
    int64_t runs = share_ms * NS_PER_MS / (run_ns + 1);
    runs = runs < RUNS_LEAST ? RUNS_LEAST : runs;
    if (sweep_is_full())
        runs = flags & SWEEP_BIG ? RUNS_BIG : calls;
    return calls <= runs ? 1 : calls / runs;
}

void sweep(const struct fault_source *s, unsigned flags)
{
    int64_t start_ns = cpu_ns();
    assert_int_equal(run(s, 0, false, flags), 0);
    int64_t calls = s->calls(), runs = 0, fired;
    int64_t step = stride(calls, cpu_ns() - start_ns, flags);
    assert_true(calls > 0); /* else it would prove nothing */
    for (unsigned mode = SWEEP_ONCE; mode <= SWEEP_FOR_EVER; mode <<= 1) {
        int64_t n = mode == SWEEP_ONCE ? 1 : 1 + step / 2;
        for (fired = 1; flags & mode && fired; n += step, runs++)
            fired = run(s, n, mode == SWEEP_FOR_EVER, flags);
    }
    print_message("# %s: %lld calls, %lld runs\n", s->name, (long long)calls, (long long)runs);
}
