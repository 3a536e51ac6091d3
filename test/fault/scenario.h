/*
 * One life of an engine while something fails, and what must be true after it.
 *
 * The engine opens; three tenants are made by their first write; a batch is
 * written, with a job that refuses, a relaxed one and one that is too late;
 * rows, summary and names are read; the tenants are closed for each other's
 * sake (only two may be open) and opened again; one is deleted beside the
 * engine; each is written once more; the engine closes.
 *
 * Each write inserts two rows, so that half a write would show. Afterwards,
 * with no fault: every job had one answer; what was acknowledged is there, what
 * was refused is not; each database is sound and can be written; nothing is
 * left behind in memory, descriptors and files.
 *
 * A fault that happened once may fail those jobs that were under way, and
 * nothing that came later. One that lasts may fail everything, until it ends:
 * then the same engine, not started anew, must serve every tenant.
 */
#ifndef ROWHOUSE_TEST_SCENARIO_H
#define ROWHOUSE_TEST_SCENARIO_H

#include "engine/engine.h"

struct fault_source {
    const char *name;
    /* The n-th call from now on fails, `for_ever` with all after it. n = 0:
     * calls are only counted. */
    void (*arm)(int64_t n, bool for_ever);
    void (*disarm)(void); /* what was counted stays */
    int64_t (*fired)(void);
    int64_t (*calls)(void);
    bool alpha_only; /* only the tenant alpha may notice */
    bool disk;       /* in test/fault/fault_vfs.h: the power fails at some moment */
};

struct scenario_options {
    bool big;               /* one write fills the WAL, so that it is checkpointed */
    bool huge;              /* and more, so that it is emptied */
    bool idle;              /* tenants are also closed for being idle */
    bool close_under_fault; /* a fault that lasts does so until the engine is closed */
};

/* Fails the test (cmocka) where something does not hold. The number of calls
 * that failed. */
int64_t scenario_run(const struct fault_source *source, int64_t n, bool for_ever,
                     const struct scenario_options *options);

#endif
