/*
 * Sweeps: the scenario again and again, with the first call failing, then the
 * second, and so on until none fails any more; then so that each fails with
 * all that come after it.
 *
 * As it stands a sweep picks calls evenly spread over all of them, as many as
 * take about SWEEP_MS of the processor; with FAULT_FULL=1 in the environment it
 * takes every one.
 */
#ifndef ROWHOUSE_TEST_SWEEP_H
#define ROWHOUSE_TEST_SWEEP_H

#include "test/fault/scenario.h"

enum sweep_modes { SWEEP_ONCE = 1, SWEEP_FOR_EVER = 2, SWEEP_BOTH = 3 };

/* Fails the test (cmocka). A run that hangs ends the program, saying which. */
void sweep(const struct fault_source *source, enum sweep_modes modes, bool big);

/* Whether every call is to fail. */
bool sweep_is_full(void);

#endif
