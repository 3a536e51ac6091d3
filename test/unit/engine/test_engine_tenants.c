/* A tenant's life: opened once, closed when idle, replaced, damaged, many. */
#include <fcntl.h>
#include <sys/resource.h>

#include "engine/engine_internal.h"
#include "test/unit/engine/engine_fixture.h"

enum { RACERS = 16, WALKERS = 6, WALK_TENANTS = 5, WALK_STEPS = 250 };

struct racer {
    struct engine *en;
    pthread_barrier_t *start;
    pthread_t thread;
    bool write;
    int rc;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    long long n = -1;
    pthread_barrier_wait(r->start);
    r->rc = r->write ? do_write(r->en, "acme", INSERT)
                     : do_read(r->en, "acme", "SELECT count(*) FROM row", &n);
    return NULL;
}

static void test_a_race_opens_a_tenant_once(void **state)
{
    struct engine_fixture *x = *state;
    for (int round = 1; round <= 5; round++) {
        struct engine *en = start(x);
        struct racer racers[RACERS];
        pthread_barrier_t begin;
        pthread_barrier_init(&begin, NULL, RACERS);
        for (int i = 0; i < RACERS; i++) {
            racers[i] = (struct racer){.en = en, .start = &begin, .write = i % 2};
            pthread_create(&racers[i].thread, NULL, race, &racers[i]);
        }
        for (int i = 0; i < RACERS; i++) {
            pthread_join(racers[i].thread, NULL);
            assert_int_equal(racers[i].rc, 0);
        }
        assert_int_equal(atomic_load(&fixture_opens), round);
        assert_int_equal(count_rows(en, "acme"), round * RACERS / 2);
        pthread_barrier_destroy(&begin);
        stop(x);
    }
}

static void test_idle_tenants_close(void **state)
{
    struct engine_fixture *x = *state;
    x->config.idle_close_ms = 100;
    struct engine *en = start(x);
    assert_int_equal(do_write(en, "acme", INSERT), 0);
    assert_int_equal(count_rows(en, "acme"), 1);
    assert_int_equal(state_of(en, "acme"), TENANT_READY);
    assert_true(fixture_exists(&x->f, "acme.db-wal"));
    wait_until(state_of(en, "acme") == TENANT_ABSENT);
    wait_until(!fixture_exists(&x->f, "acme.db-wal"));
    assert_false(fixture_exists(&x->f, "acme.db-shm"));
    struct engine_stats stats;
    engine_stats(en, &stats);
    assert_int_equal(stats.connections, 0);
    assert_int_equal(count_rows(en, "acme"), 1);
}

static int descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void test_many_tenants_few_descriptors(void **state)
{
    struct engine_fixture *x = *state;
    struct rlimit before, few;
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = 600; /* leaves room for a few tenants: open_tenants_max() */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    x->config.writer_threads = 4;
    x->config.reader_threads = 4;
    struct engine *en = start(x);
    static struct call calls[200];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 200; i++) {
            char name[16];
            snprintf(name, sizeof name, "t%d", i);
            call_init(&calls[i], name, round < 2 ? INSERT : "SELECT count(*) FROM row", round < 2);
            call_submit(en, &calls[i]);
        }
        for (int i = 0; i < 200; i++)
            assert_int_equal(call_wait(&calls[i]), 0);
        struct engine_stats stats;
        engine_stats(en, &stats);
        assert_in_range(stats.open_tenants, 1, 16 + 8);
        assert_in_range(descriptors(), 1, 250);
    }
    for (int i = 0; i < 200; i++)
        assert_int_equal(calls[i].value, 2);
    setrlimit(RLIMIT_NOFILE, &before);
}

static void test_the_least_recently_used_is_closed(void **state)
{
    struct engine_fixture *x = *state;
    x->config.open_tenants_max = 3;
    struct engine *en = start(x);
    static const char *const order[] = {"a", "b", "c", "a", "d"};
    for (size_t i = 0; i < COUNT_OF(order); i++)
        assert_int_equal(do_write(en, order[i], INSERT), 0);
    assert_int_equal(state_of(en, "a"), TENANT_READY);
    assert_int_equal(state_of(en, "b"), TENANT_ABSENT);
    assert_int_equal(state_of(en, "c"), TENANT_READY);
    assert_int_equal(state_of(en, "d"), TENANT_READY);
}

/* More tenants have work than may be open: all are served in turn. */
static void test_all_busy_and_few_may_be_open(void **state)
{
    struct engine_fixture *x = *state;
    x->config.open_tenants_max = 1;
    x->config.writer_threads = 3;
    struct engine *en = start(x);
    static struct call calls[120];
    for (int i = 0; i < 120; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", i % 12);
        call_init(&calls[i], name, i % 3 ? INSERT : "SELECT 1", i % 3 != 0);
        call_submit(en, &calls[i]);
    }
    for (int i = 0; i < 120; i++)
        assert_int_equal(call_wait(&calls[i]), 0);
    long long rows = 0;
    for (int i = 0; i < 12; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", i);
        rows += count_rows(en, name);
    }
    assert_int_equal(rows, 80);
}

static void test_a_removed_file(void **state)
{
    struct engine_fixture *x = *state;
    struct engine *en = start(x);
    assert_int_equal(do_write(en, "acme", INSERT), 0);
    assert_int_equal(count_rows(en, "acme"), 1);
    unlink(fixture_path(&x->f, "acme.db"));
    assert_int_equal(do_write(en, "acme", INSERT), ERR_REPLACED);
    assert_int_equal(do_write(en, "acme", INSERT), 0); /* a new tenant by that name */
    assert_int_equal(count_rows(en, "acme"), 1);
    unlink(fixture_path(&x->f, "acme.db"));
    assert_int_equal(count_rows(en, "acme"), 0); /* a read notices, too */
    stop(x);
    assert_int_equal(count_rows(start(x), "acme"), 0);
}

/* The WAL of the old file must not be taken for the new one's. */
static void test_a_replaced_file(void **state)
{
    struct engine_fixture *x = *state;
    struct engine *en = start(x);
    for (int i = 0; i < 5; i++)
        assert_int_equal(do_write(en, "old", INSERT), 0);
    assert_int_equal(do_write(en, "new", INSERT), 0);
    stop(x);
    en = start(x);
    assert_int_equal(do_write(en, "old", INSERT), 0);
    assert_int_equal(rename(fixture_path(&x->f, "new.db"), "/tmp/rowhouse-test-moved"), 0);
    assert_int_equal(rename("/tmp/rowhouse-test-moved", fixture_path(&x->f, "old.db")), 0);
    assert_int_equal(do_write(en, "old", INSERT), ERR_REPLACED);
    assert_int_equal(count_rows(en, "old"), 1);
    assert_int_equal(do_write(en, "old", INSERT), 0);
    stop(x);
    assert_int_equal(count_rows(start(x), "old"), 2);
}

/* Without the lock of the folder the old WAL cannot be taken away from the new
 * file; so nothing is opened until it can be. */
static void test_a_replaced_file_that_cannot_be_left(void **state)
{
    struct engine_fixture *x = *state;
    struct engine *en = start(x);
    char lock[256];
    snprintf(lock, sizeof lock, "%s", fixture_path(&x->f, ".rowhouse.ddl"));
    for (int i = 0; i < 3; i++)
        assert_int_equal(do_write(en, "acme", INSERT), 0);
    unlink(fixture_path(&x->f, "acme.db"));
    unlink(lock);
    assert_int_equal(mkdir(lock, 0700), 0);
    assert_int_equal(do_write(en, "acme", INSERT), ERR_REPLACED);
    assert_int_equal(do_write(en, "acme", INSERT), ERR_IO);
    long long n = -1;
    assert_int_equal(do_read(en, "acme", "SELECT 1", &n), ERR_IO);
    assert_int_equal(state_of(en, "acme"), TENANT_READY);
    assert_true(fixture_exists(&x->f, "acme.db-wal"));
    rmdir(lock);
    assert_int_equal(do_write(en, "acme", INSERT), 0);
    assert_int_equal(count_rows(en, "acme"), 1);
}

/* What was acknowledged into a WAL that somebody removes is not lost: the engine
 * has it open, and copies it into the database. */
static void test_a_removed_wal(void **state)
{
    struct engine_fixture *x = *state;
    struct engine *en = start(x);
    sem_t gate;
    sem_init(&gate, 0, 0);
    struct call reader, writer;
    assert_int_equal(do_write(en, "acme", INSERT), 0);
    call_init(&reader, "acme", "SELECT count(*) FROM row", false);
    reader.hold = &gate; /* its snapshot is in the old WAL */
    call_submit(en, &reader);
    wait_until(atomic_load(&reader.inside));
    unlink(fixture_path(&x->f, "acme.db-wal"));
    call_init(&writer, "acme", INSERT, true);
    call_submit(en, &writer);
    usleep(20000);
    assert_int_equal(writer.answers, 0); /* not while the reader is there */
    sem_post(&gate);
    assert_int_equal(call_wait(&reader), 0);
    assert_int_equal(call_wait(&writer), ERR_REPLACED);
    assert_int_equal(do_write(en, "acme", INSERT), 0);
    assert_int_equal(count_rows(en, "acme"), 3); /* also what was not acknowledged */
    assert_int_equal(do_write(en, "acme", INSERT), 0);
    unlink(fixture_path(&x->f, "acme.db-wal"));
    stop(x); /* the end notices it, too */
    assert_int_equal(count_rows(start(x), "acme"), 4);
}

static void *remove_now_and_then(void *arg)
{
    struct engine_fixture *x = arg;
    char path[256];
    snprintf(path, sizeof path, "%s/acme.db", x->f.path);
    for (int i = 0; i < 40; i++) {
        usleep(5000);
        unlink(path);
    }
    return NULL;
}

/* Acknowledged means that it went into the file that has the name: what is
 * there in the end is what was acknowledged since the last removal. */
static void test_removal_under_load(void **state)
{
    struct engine_fixture *x = *state;
    struct engine *en = start(x);
    pthread_t thread;
    pthread_create(&thread, NULL, remove_now_and_then, x);
    static struct call calls[64];
    for (int round = 0; round < 60; round++) {
        for (size_t i = 0; i < COUNT_OF(calls); i++) {
            call_init(&calls[i], "acme", i % 4 ? INSERT : "SELECT count(*) FROM row", i % 4 != 0);
            calls[i].job.may_inline = true;
            call_submit(en, &calls[i]);
        }
        for (size_t i = 0; i < COUNT_OF(calls); i++) {
            int rc = call_wait(&calls[i]);
            if (rc && rc != ERR_REPLACED)
                fail_msg("%d %s", rc, calls[i].job.err.text);
        }
    }
    pthread_join(thread, NULL);
    unlink(fixture_path(&x->f, "acme.db"));
    int rc = do_write(en, "acme", INSERT);
    assert_true(rc == 0 || rc == ERR_REPLACED);
    assert_int_equal(count_rows(en, "acme"), rc == 0);
    assert_true(atomic_load(&fixture_opens) > 1);
}

static void test_damage_is_remembered_and_tried_again(void **state)
{
    struct engine_fixture *x = *state;
    struct engine *en = start(x);
    fixture_write(&x->f, "bad.db", "this is not a database, for sure", 32);
    fixture_write(&x->f, "empty.db", "", 0);
    assert_int_equal(do_write(en, "bad", INSERT), ERR_CORRUPT);
    assert_int_equal(state_of(en, "bad"), TENANT_FAILED);
    int64_t failed_ns = clock_mono_ns();
    long long n = -1;
    assert_int_equal(do_read(en, "bad", "SELECT 1", &n), ERR_CORRUPT);
    assert_int_equal(do_write(en, "empty", INSERT), ERR_CORRUPT);
    assert_int_equal(do_write(en, "good", INSERT), 0);
    unlink(fixture_path(&x->f, "bad.db"));
    if (clock_mono_ns() < failed_ns + 150 * NS_PER_MS) /* else the machine is too slow to tell */
        assert_int_equal(do_write(en, "bad", INSERT), ERR_CORRUPT);
    wait_until(do_write(en, "bad", INSERT) == 0);
    assert_int_equal(state_of(en, "bad"), TENANT_READY);
    assert_int_equal(state_of(en, "empty"), TENANT_FAILED);
    wait_until(state_of(en, "empty") == TENANT_ABSENT); /* forgotten by itself */
}

/* A newer database is refused, and not one byte of it is changed. */
static void test_a_newer_database_is_not_touched(void **state)
{
    struct engine_fixture *x = *state;
    struct tenant_name t = fixture_name("acme");
    assert_ok(store_create(x->f.store, &t, e));
    struct conn c = fixture_open(&x->f, "acme", CONN_WRITE);
    fixture_sql(c.db, "INSERT INTO rowhouse_migration SELECT component, 99, 'future', hash, "
                      "applied_at FROM rowhouse_migration WHERE component = 'app' LIMIT 1");
    conn_close_tidy(&c);
    struct stat before, after;
    stat(fixture_path(&x->f, "acme.db"), &before);
    struct engine *en = start(x);
    assert_int_equal(do_write(en, "acme", INSERT), ERR_NEWER);
    stop(x);
    stat(fixture_path(&x->f, "acme.db"), &after);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    assert_int_equal(before.st_size, after.st_size);
}

static void test_links_and_folders_are_no_tenants(void **state)
{
    struct engine_fixture *x = *state;
    struct engine *en = start(x);
    assert_int_equal(do_write(en, "real", INSERT), 0);
    assert_int_equal(symlink("real.db", fixture_path(&x->f, "link.db")), 0);
    assert_int_equal(mkdir(fixture_path(&x->f, "folder.db"), 0700), 0);
    assert_int_equal(mkfifo(fixture_path(&x->f, "pipe.db"), 0600), 0);
    assert_int_equal(do_write(en, "link", INSERT), ERR_UNUSABLE);
    assert_int_equal(do_write(en, "folder", INSERT), ERR_UNUSABLE);
    assert_int_equal(do_write(en, "pipe", INSERT), ERR_UNUSABLE);
    assert_int_equal(count_rows(en, "real"), 1);
}

/* The table against the drawing above tenant.c. */
static void test_steps_of_the_machine(void **state)
{
    (void)state;
    int steps = 0;
    for (int from = 0; from <= TENANT_DELETING; from++) {
        for (int to = 0; to <= TENANT_DELETING; to++)
            steps += tenant_may_change((enum tenant_state)from, (enum tenant_state)to);
        assert_false(tenant_may_change((enum tenant_state)from, (enum tenant_state)from));
        assert_string_not_equal(tenant_state_name((enum tenant_state)from), "unknown");
    }
    assert_int_equal(steps, 19);
    assert_false(tenant_may_change(TENANT_READY, TENANT_ABSENT));
    assert_false(tenant_may_change(TENANT_ABSENT, TENANT_READY));
    assert_false(tenant_may_change(TENANT_FAILED, TENANT_READY));
    assert_string_equal(tenant_state_name((enum tenant_state)99), "unknown");
}

static void test_the_invariant_notices(void **state)
{
    (void)state;
    struct tenant t = {.state = TENANT_ABSENT};
    assert_true(tenant_invariant(&t));
    t.state = TENANT_OPENING; /* by nobody */
    assert_false(tenant_invariant(&t));
    t.owned = true;
    assert_true(tenant_invariant(&t));
    t.readers = 1;
    assert_false(tenant_invariant(&t));
    t = (struct tenant){.state = TENANT_READY, .writer_open = true};
    assert_true(tenant_invariant(&t));
    t.stale = true;
    assert_true(tenant_invariant(&t));
    t.readers = t.readers_busy = 2;
    assert_true(tenant_invariant(&t));
    t.readers_busy = 1;
    assert_false(tenant_invariant(&t));
    t = (struct tenant){.state = TENANT_FAILED};
    assert_false(tenant_invariant(&t));
    t.failure.code = ERR_IO;
    assert_true(tenant_invariant(&t));
    struct job job = {0};
    job_list_add(&t.writes, &job); /* who will serve it? */
    assert_false(tenant_invariant(&t));
    t.queued[WORKER_WRITE] = true;
    assert_true(tenant_invariant(&t));
}

/*
 * A random walk: threads read, write, remove, damage and replace a few tenants
 * of which only two may be open. Each step of a tenant asserts its invariant;
 * here only the answers are looked at, and that everything ends.
 */
struct walker {
    struct engine_fixture *x;
    pthread_t thread;
    unsigned seed;
    int oks;
};

static void disturb(struct walker *w, const char *tenant)
{
    char path[256], other[256];
    snprintf(path, sizeof path, "%s/%s.db", w->x->f.path, tenant);
    snprintf(other, sizeof other, "%s/.moved-%u", w->x->f.path, w->seed);
    switch (rand_r(&w->seed) % 3) {
    case 0:
        unlink(path);
        break;
    case 1:
        rename(path, other);
        rename(other, path);
        break;
    default: { /* a new file that is no database */
        FILE *f = fopen(other, "w");
        assert_non_null(f);
        fputs("not a database", f);
        fclose(f);
        rename(other, path);
        usleep(2000);
        unlink(path);
    }
    }
}

static void walk_step(struct walker *w)
{
    char name[8];
    snprintf(name, sizeof name, "w%d", rand_r(&w->seed) % WALK_TENANTS);
    long long n = -1;
    int rc = 0;
    int what = rand_r(&w->seed) % 20;
    if (what == 0)
        disturb(w, name);
    else if (what < 10)
        rc = do_read(w->x->en, name, "SELECT count(*) FROM row", &n);
    else if (what < 18)
        rc = do_write(w->x->en, name, INSERT);
    else
        rc = do_write(w->x->en, name, "INSERT INTO row (text) VALUES (NULL)");
    w->oks += rc == 0;
    /* CORRUPT and UNUSABLE for a file that is none, IO where it went away
     * while it was being looked at. */
    assert_true(rc == 0 || rc == ERR_CONFLICT || rc == ERR_REPLACED || rc == ERR_CORRUPT ||
                rc == ERR_NOT_FOUND || rc == ERR_IO);
}

static void *walk(void *arg)
{
    struct walker *w = arg;
    for (int i = 0; i < WALK_STEPS; i++)
        walk_step(w);
    return NULL;
}

static void test_random_walk(void **state)
{
    struct engine_fixture *x = *state;
    x->config.open_tenants_max = 2;
    x->config.writer_threads = 4;
    x->config.reader_threads = 3;
    x->config.readers_max = 2;
    x->config.idle_close_ms = 200;
    x->config.failed_retry_ms = 5;
    start(x);
    struct walker walkers[WALKERS];
    int oks = 0;
    for (unsigned i = 0; i < WALKERS; i++) {
        walkers[i] = (struct walker){.x = x, .seed = i + 1};
        pthread_create(&walkers[i].thread, NULL, walk, &walkers[i]);
    }
    for (unsigned i = 0; i < WALKERS; i++) {
        pthread_join(walkers[i].thread, NULL);
        oks += walkers[i].oks;
    }
    assert_true(oks > WALKERS * WALK_STEPS / 4);
    for (int i = 0; i < WALK_TENANTS; i++) {
        char name[8];
        snprintf(name, sizeof name, "w%d", i);
        wait_until(do_write(x->en, name, INSERT) == 0);
    }
}

#define ENGINE_TEST(f) cmocka_unit_test_setup_teardown(f, engine_setup, engine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(test_a_race_opens_a_tenant_once),
        ENGINE_TEST(test_idle_tenants_close),
        ENGINE_TEST(test_many_tenants_few_descriptors),
        ENGINE_TEST(test_the_least_recently_used_is_closed),
        ENGINE_TEST(test_all_busy_and_few_may_be_open),
        ENGINE_TEST(test_a_removed_file),
        ENGINE_TEST(test_a_replaced_file),
        ENGINE_TEST(test_a_replaced_file_that_cannot_be_left),
        ENGINE_TEST(test_a_removed_wal),
        ENGINE_TEST(test_removal_under_load),
        ENGINE_TEST(test_damage_is_remembered_and_tried_again),
        ENGINE_TEST(test_a_newer_database_is_not_touched),
        ENGINE_TEST(test_links_and_folders_are_no_tenants),
        cmocka_unit_test(test_steps_of_the_machine),
        cmocka_unit_test(test_the_invariant_notices),
        ENGINE_TEST(test_random_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
