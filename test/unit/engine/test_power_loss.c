/*
 * The power fails in the middle of writing, again and again, at a moment that
 * the seed decides; the disk then holds what was synced and, of the rest, what
 * it pleases, torn sectors included (test/fault/fault_vfs.h).
 *
 * `local`: every acknowledged write is there. `relaxed` may lose whole writes,
 * newest first or not, and over all rounds does, which shows that the test can
 * see a loss. In both, no write is half there and the database is sound.
 *
 * POWER_LOSS_ROUNDS sets how many rounds each gets.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "engine/engine.h"
#include "test/fault/fault_vfs.h"
#include "test/unit/engine/store_fixture.h"

enum { TENANTS = 4, JOBS = 2000, IN_FLIGHT = 48, TWIN = 1000000 };

struct insert {
    struct job job; /* first: the engine hands it back */
    int tenant;
    int id;
    bool acknowledged;
};

struct round {
    struct insert inserts[JOBS];
    sem_t room; /* jobs that may still be in flight */
    _Atomic int acknowledged;
    int lose_at; /* the power fails once so many were acknowledged */
};

static struct round *running;

static int insert_write(struct job *job, struct write_tx *tx)
{
    const struct insert *in = (struct insert *)job;
    char sql[160];
    snprintf(sql, sizeof sql, "INSERT INTO row VALUES (%d, 'first'), (%d, 'twin')", in->id,
             in->id + TWIN);
    int rc = sqlite3_exec(tx->reader.conn.db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : sql_error(tx->reader.conn.db, rc, "insert", &job->err);
}

static void insert_done(struct job *job, int rc)
{
    struct insert *in = (struct insert *)job;
    in->acknowledged = rc == 0;
    if (rc == 0 && atomic_fetch_add(&running->acknowledged, 1) + 1 == running->lose_at)
        fault_vfs_power_loss();
    sem_post(&running->room);
}

static void submit_all(struct engine *en, enum durability durability)
{
    for (int i = 0; i < JOBS; i++) {
        struct insert *in = &running->inserts[i];
        char name[16];
        snprintf(name, sizeof name, "tenant-%d", i % TENANTS);
        in->tenant = i % TENANTS;
        in->id = i;
        in->job = (struct job){.create = true,
                               .durability = durability,
                               .deadline_ns = clock_mono_ns() + 30 * NS_PER_S,
                               .write = insert_write,
                               .done = insert_done};
        assert_ok(tenant_name_parse(str_from(name), &in->job.tenant, e));
        sem_wait(&running->room);
        int rc = engine_submit(en, &in->job);
        if (rc != ERR_AGAIN)
            insert_done(&in->job, rc);
    }
    for (int i = 0; i < IN_FLIGHT; i++)
        sem_wait(&running->room);
}

/* Of one tenant: how many acknowledged writes are not on the disk. */
static int count_lost(const char *folder, int tenant)
{
    char path[160];
    sqlite3 *db = NULL;
    int lost = 0;
    snprintf(path, sizeof path, "%s/tenant-%d.db", folder, tenant);
    if (access(path, F_OK) < 0) { /* the power failed before it was first opened */
        for (int i = tenant; i < JOBS; i += TENANTS)
            lost += running->inserts[i].acknowledged;
        return lost;
    }
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(fixture_int(db, "SELECT count(*) = 1 AND min(integrity_check) = 'ok'"
                                     " FROM pragma_integrity_check"),
                     1);
    assert_int_equal(fixture_int(db, "SELECT count(*) FROM row a WHERE NOT EXISTS (SELECT 1 FROM"
                                     " row b WHERE abs(a.id - b.id) = 1000000)"),
                     0);
    for (int i = tenant; i < JOBS; i += TENANTS) {
        char sql[80];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM row WHERE id = %d", i);
        lost += running->inserts[i].acknowledged && fixture_int(db, sql) == 0;
    }
    sqlite3_close(db);
    return lost;
}

/* How many acknowledged writes one power failure lost. */
static int run_round(enum durability durability, unsigned seed)
{
    char before[] = "/tmp/rowhouse-power-XXXXXX";
    char after[] = "/tmp/rowhouse-power-XXXXXX";
    struct engine_config config;
    struct engine *en = NULL;
    assert_non_null(mkdtemp(before));
    assert_non_null(mkdtemp(after));
    running = calloc(1, sizeof *running);
    assert_non_null(running);
    sem_init(&running->room, 0, IN_FLIGHT);
    running->lose_at = 1 + (int)(seed * 2654435761U % (JOBS - 200));

    fault_vfs_install();
    engine_config_standard(&config);
    config.path = before;
    config.app = fixture_app;
    config.create_open = true;
    assert_ok(engine_open(&config, &en, e));
    submit_all(en, durability);
    engine_close(en);
    fault_vfs_disk(after, seed);
    fault_vfs_remove();

    int lost = 0;
    for (int t = 0; t < TENANTS; t++)
        lost += count_lost(after, t);
    sem_destroy(&running->room);
    free(running);
    char command[160];
    snprintf(command, sizeof command, "rm -rf '%s' '%s'", before, after);
    assert_int_equal(system(command), 0);
    return lost;
}

static unsigned rounds(void)
{
    const char *set = getenv("POWER_LOSS_ROUNDS");
    return set ? (unsigned)strtoul(set, NULL, 10) : 12;
}

static void test_local_loses_nothing(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= rounds(); seed++) {
        int lost = run_round(DURABILITY_LOCAL, seed);
        if (lost)
            fail_msg("seed %u: %d acknowledged writes are lost", seed, lost);
    }
}

static void test_relaxed_loses_only_whole_writes(void **state)
{
    int lost = 0;
    (void)state;
    for (unsigned seed = 1; seed <= rounds(); seed++)
        lost += run_round(DURABILITY_RELAXED, seed);
    assert_true(lost > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_local_loses_nothing),
        cmocka_unit_test(test_relaxed_loses_only_whole_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
