/*
 * Sweeps: the scenario again and again, with the first call failing, then the
 * second, and so on until none fails any more; then so that each fails with
 * all that come after it.
 *
 * As it stands a sweep picks calls evenly spread over all of them, as many as
 * its share of the processor allows; with FAULT_FULL=1 in the environment it
 * takes every one.
 */
#ifndef ROWHOUSE_TEST_SWEEP_H
#define ROWHOUSE_TEST_SWEEP_H

#include "test/fault/scenario.h"

enum sweep_flags {
    SWEEP_ONCE = 1,
    SWEEP_FOR_EVER = 2,
    SWEEP_BOTH = 3,
    SWEEP_BIG = 4,  /* with one write that fills the WAL */
    SWEEP_HUGE = 8, /* with one after which the WAL is emptied */
    SWEEP_IDLE = 16 /* with tenants that close for being idle */
};

/* How much of the processor each later sweep may take for each of its two
 * kinds; 50 unless told. */
void sweep_share(int64_t ms);

/* `flags` are those of enum sweep_flags. Fails the test (cmocka). A run that
 * hangs ends the program, saying which. */
void sweep(const struct fault_source *source, unsigned flags);

/* Whether every call is to fail. */
bool sweep_is_full(void);

#endif
