/*
 * What scenario.c (the life) and scenario_check.c (the judgement) share.
 */
#ifndef ROWHOUSE_TEST_SCENARIO_INTERNAL_H
#define ROWHOUSE_TEST_SCENARIO_INTERNAL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <semaphore.h>

#include "engine/store.h"
#include "test/fault/scenario.h"

enum { ALPHA, BETA, GAMMA, TENANTS };

/* Ids are those of scenario.works; the second row of each is TWIN above. */
enum { WORKS = 128, TWIN = 1000000, NAME_BYTES = 16 };

extern const char *const scenario_names[TENANTS];
extern const struct engine_app scenario_app;

enum work_kind {
    WORK_WRITE,
    WORK_RELAXED,
    WORK_REFUSES, /* a write that undoes itself */
    WORK_LATE,    /* a write whose deadline has passed */
    WORK_BIG,     /* a write of more than a checkpoint's worth */
    WORK_HOLD,    /* a write that waits until it is let go */
    WORK_READ,
    WORK_INLINE /* a read on the submitting thread, where that is possible */
};

struct work {
    struct job job; /* first: the engine hands it back */
    enum work_kind kind;
    int tenant, id;
    bool deleted_after; /* before the tenant was deleted */
    long long rows;     /* that a read found */
    sem_t done;
    _Atomic int answers;
    int rc;
};

/* What became of gamma, when it was deleted. */
enum deletion { DELETION_NONE, DELETION_DONE, DELETION_UNKNOWN };

struct scenario {
    const struct fault_source *source;
    int64_t n;
    bool for_ever;
    struct scenario_options options;
    char folder[64], disk[64];
    struct engine_config config;
    struct engine *en;
    struct store *store; /* a command's, beside the engine */
    bool disarmed;
    enum deletion deletion;
    int power_works; /* jobs there were when the power failed, for `disk` */
    enum deletion power_deletion;
    int life_works; /* jobs there were when the engine was closed */
    struct work works[WORKS];
    int n_works;
    _Atomic bool let_go; /* WORK_HOLD may end */
    struct feed_subscription *feed;
    _Atomic bool event_seen[WORKS];
    int descriptors; /* open before the engine was */
    int64_t sqlite_live;
};

/* Fails the test, saying which fault it was. */
#define scenario_fail(sc, format, ...)                                                             \
    fail_msg("%s, call %lld%s: " format, (sc)->source->name, (long long)(sc)->n,                   \
             (sc)->for_ever ? " and all after it" : "", __VA_ARGS__)

#define scenario_expect(sc, condition)                                                             \
    do {                                                                                           \
        if (!(condition))                                                                          \
            scenario_fail(sc, "not so at %s:%d: %s", __FILE__, __LINE__, #condition);              \
    } while (0)

int scenario_descriptors(void);

/* In the life of the engine there are POWER_MOMENTS in which the power fails for
 * `disk`; which one it is depends on the call that fails. */
enum { POWER_MOMENTS = 4 };
void scenario_power(struct scenario *sc, int moment);

/* The engine is closed and nothing fails any more. */
void scenario_check(struct scenario *sc);

/* One write through an engine that nothing disturbs, with the next id. */
void scenario_write(struct scenario *sc, int tenant);

#endif
