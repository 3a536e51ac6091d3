/* engine/store_create.c, template.c */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/fault.h"
#include "engine/template.h"
#include "test/unit/engine/store_fixture.h"

/* A whole tenant, alone in its folder but for the locks. */
static void assert_whole(struct fixture *f, const char *name)
{
    struct conn c = fixture_open(f, name, CONN_READ);
    assert_int_equal(fixture_int(c.db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"),
                     1);
    assert_int_equal(fixture_int(c.db, "PRAGMA user_version"), 2);
    assert_int_equal(fixture_int(c.db, "PRAGMA application_id"), TENANT_APPLICATION_ID);
    assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM rowhouse_migration"), 3);
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT count(*) = 1 AND max(name) = '%s' FROM info", name);
    assert_int_equal(fixture_int(c.db, sql), 1);
    assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM row"), 0);
    conn_close(&c);
}

static int files_in(struct fixture *f, const char *prefix)
{
    int n = 0;
    DIR *d = opendir(f->path);
    for (struct dirent *file; (file = readdir(d));)
        n += strncmp(file->d_name, prefix, strlen(prefix)) == 0;
    closedir(d);
    return n;
}

static void a_tenant_is_whole(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme");
    assert_ok(store_create(f->store, &t, e));
    assert_int_equal(files_in(f, "acme"), 1); /* no -wal, no -shm */
    assert_int_equal(files_in(f, ".rowhouse-new"), 0);
    struct stat st;
    assert_int_equal(stat(fixture_path(f, "acme.db"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_whole(f, "acme");
    struct conn c = fixture_open(f, "acme", CONN_WRITE_AS_IS);
    assert_int_equal(fixture_int(c.db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    fixture_sql(c.db, "INSERT INTO row (text) VALUES ('x')");
    conn_close_tidy(&c);
    assert_fails(store_create(f->store, &t, e), ERR_EXISTS, "the tenant acme exists already");
}

static void one_tenants_rows_are_not_the_nexts(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"one", "two", "three"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct tenant_name t = fixture_name(names[i]);
        assert_ok(store_create(f->store, &t, e));
    }
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_whole(f, names[i]);
}

static int refuse(struct write_tx *tx, const struct tenant_name *t, struct err *e)
{
    int rc = fixture_create(tx, t, e);
    return rc ? rc : strcmp(t->s, "bad") == 0 ? err_set(e, ERR_INVALID, "not this one") : 0;
}

static void on_create_may_refuse(void **state)
{
    struct fixture *f = *state;
    struct engine_app app = fixture_app;
    app.on_create = refuse;
    struct store *s;
    assert_ok(store_open(f->path, false, &app, &s, e));
    struct tenant_name bad = fixture_name("bad"), good = fixture_name("good");
    assert_fails(store_create(s, &bad, e), ERR_INVALID, "not this one");
    assert_int_equal(files_in(f, "bad"), 0);
    assert_ok(store_create(s, &good, e));
    assert_whole(f, "good");
    store_close(s);
}

static void leftovers_never_show_up(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme");
    assert_ok(store_create(f->store, &t, e));
    struct conn c = fixture_open(f, "acme", CONN_WRITE);
    fixture_sql(c.db, "INSERT INTO row (text) VALUES ('of the earlier tenant')");
    conn_close(&c); /* leaves -wal and -shm */
    assert_true(fixture_exists(f, "acme.db-wal"));
    unlink(fixture_path(f, "acme.db"));
    fixture_write(f, "acme.db-journal", "junk", 4);
    assert_ok(store_create(f->store, &t, e));
    assert_int_equal(files_in(f, "acme"), 1);
    assert_whole(f, "acme");
}

static void a_live_wal_is_never_removed(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme");
    assert_ok(store_create(f->store, &t, e));
    struct conn c = fixture_open(f, "acme", CONN_WRITE);
    fixture_sql(c.db, "INSERT INTO row (text) VALUES ('kept')");
    assert_fails(store_create(f->store, &t, e), ERR_EXISTS, "exists");
    assert_true(fixture_exists(f, "acme.db-wal"));
    conn_close(&c);
    c = fixture_open(f, "acme", CONN_READ);
    assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM row"), 1);
    conn_close(&c);
}

struct race {
    struct fixture *f;
    _Atomic int *created;
};

static void *create_all(void *arg)
{
    struct race *r = arg;
    for (int i = 0; i < 40; i++) {
        char name[16];
        struct tenant_name t;
        snprintf(name, sizeof name, "t%d", i);
        int rc = tenant_name_parse(str_from(name), &t, NULL);
        if (!rc)
            rc = store_create(r->f->store, &t, NULL);
        if (rc == 0)
            ++*r->created;
        else if (rc != ERR_EXISTS)
            return arg;
    }
    return NULL;
}

static void racing_threads_make_each_once(void **state)
{
    struct fixture *f = *state;
    _Atomic int created = 0;
    struct race race = {f, &created};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, create_all, &race), 0);
    for (int i = 0; i < 4; i++) {
        void *bad;
        pthread_join(threads[i], &bad);
        assert_null(bad);
    }
    assert_int_equal(created, 40);
    assert_int_equal(files_in(f, "t"), 40);
    assert_int_equal(files_in(f, ".rowhouse-new"), 0);
    assert_whole(f, "t17");
}

/* However slow the machine is: the child has begun to make tenants. */
static void await_first(struct fixture *f, int round)
{
    char file[32];
    snprintf(file, sizeof file, "t%d-0.db", round);
    for (int i = 0; i < 10000 && !fixture_exists(f, file); i++)
        usleep(1000);
}

static void killed_at_any_instant(void **state)
{
    struct fixture *f = *state;
    int tenants = 0;
    for (int round = 0; round < 40; round++) {
        pid_t pid = fork();
        if (pid == 0) {
            for (int i = 0; i < 1000; i++) {
                char name[24];
                struct tenant_name t;
                snprintf(name, sizeof name, "t%d-%d", round, i);
                if (tenant_name_parse(str_from(name), &t, NULL) || store_create(f->store, &t, NULL))
                    _exit(1);
            }
        }
        await_first(f, round);
        usleep((useconds_t)(round * 137));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    DIR *d = opendir(f->path);
    for (struct dirent *file; (file = readdir(d));) {
        struct tenant_name t;
        if (!tenant_name_of_file(str_from(file->d_name), &t))
            continue;
        tenants++;
        assert_whole(f, t.s);
    }
    closedir(d);
    assert_true(tenants >= 40);
    assert_ok(store_lock_server(f->store, false, e)); /* removes what is half made */
    assert_int_equal(files_in(f, ".rowhouse-new"), 0);
}

/* Each failing point in turn: an error, and nothing half made. */
static void a_sweep_of_failures(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme");
    struct tenant_name first = fixture_name("first");
    assert_ok(store_create(f->store, &first, e)); /* the template is made */
    int failures = 0;
    for (int n = 1;; n++) {
        struct err e = ERR_INIT;
        fault_arm(FAULT_IO, n, false);
        int rc = store_create(f->store, &t, &e);
        bool fired = fault_fired(FAULT_IO) > 0;
        fault_arm(FAULT_IO, 0, false);
        assert_int_equal(files_in(f, ".rowhouse-new"), 0);
        if (!fired) {
            assert_int_equal(rc, 0);
            break;
        }
        failures++;
        assert_true(rc == ERR_IO || rc == ERR_DISK_FULL);
        assert_true(e.text[0]);
        if (fixture_exists(f, "acme.db")) /* the folder's flush failed: whole all the same */
            assert_whole(f, "acme");
        char rm[320];
        snprintf(rm, sizeof rm, "rm -f '%s/acme.db' '%s/acme.db-shm' '%s/acme.db-wal'", f->path,
                 f->path, f->path);
        assert_int_equal(system(rm), 0);
    }
    assert_int_equal(failures, 4); /* write, flush, rename, flush of the folder */
    assert_whole(f, "acme");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_tenant_is_whole),           TEST(one_tenants_rows_are_not_the_nexts),
        TEST(on_create_may_refuse),        TEST(leftovers_never_show_up),
        TEST(a_live_wal_is_never_removed), TEST(racing_threads_make_each_once),
        TEST(killed_at_any_instant),       TEST(a_sweep_of_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
