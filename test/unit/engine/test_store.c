/* engine/store.c, store_lock.c, store_tenant.c */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "engine/store_lock.h"
#include "test/unit/engine/store_fixture.h"

static void a_missing_folder_is_made(void **state)
{
    struct fixture *f = *state;
    struct store *s = NULL;
    const char *path = fixture_path(f, "deep/er/data");
    assert_fails(store_open(path, false, &fixture_app, &s, e), ERR_NOT_FOUND, "does not exist");
    assert_null(s);
    assert_ok(store_open(path, true, &fixture_app, &s, e));
    assert_string_equal(store_path(s), path);
    store_close(s);
    assert_ok(store_open(path, true, &fixture_app, &s, e)); /* it is there now */
    struct tenant_name t = fixture_name("Acme");
    char file[4096];
    store_file(s, &t, file);
    assert_string_equal(file, fixture_path(f, "deep/er/data/acme.db"));
    store_close(s);
    store_close(NULL);
}

static void a_folder_that_is_none(void **state)
{
    struct fixture *f = *state;
    struct store *s = NULL;
    fixture_write(f, "file", "x", 1);
    assert_fails(store_open(fixture_path(f, "file"), true, &fixture_app, &s, e), ERR_IO,
                 "is not a folder");
    assert_fails(store_open(fixture_path(f, "file/below"), true, &fixture_app, &s, e), ERR_IO,
                 "cannot make the folder");
    assert_fails(store_open("", true, &fixture_app, &s, e), ERR_INVALID, "path");
    char path[5000];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_fails(store_open(path, true, &fixture_app, &s, e), ERR_INVALID, "path");
    assert_null(s);
}

static void one_server_a_folder(void **state)
{
    struct fixture *f = *state;
    struct store *second;
    assert_ok(store_lock_server(f->store, false, e));
    assert_ok(store_open(f->path, false, &fixture_app, &second, e));
    char pid[32];
    snprintf(pid, sizeof pid, "(process %ld)", (long)getpid());
    assert_fails(store_lock_server(second, false, e), ERR_EXISTS, pid);

    pid_t child = fork();
    if (child == 0) { /* waits until the first one ends */
        store_close(f->store);
        _exit(store_lock_server(second, true, NULL) != 0);
    }
    assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
    store_close(f->store);
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_ok(store_lock_server(second, false, e));
    f->store = second;
}

static void a_dead_server_leaves_no_lock(void **state)
{
    struct fixture *f = *state;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        if (store_lock_server(f->store, false, NULL) || write(ready[1], "x", 1) != 1)
            _exit(1);
        pause();
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    struct store *s;
    assert_ok(store_open(f->path, false, &fixture_app, &s, e));
    assert_fails(store_lock_server(s, false, e), ERR_EXISTS, "another server");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_ok(store_lock_server(s, false, e));
    store_close(s);
    close(ready[0]);
    close(ready[1]);
}

static void leftovers_are_removed_by_the_server(void **state)
{
    struct fixture *f = *state;
    fixture_write(f, ".rowhouse-new-1-2", "half", 4);
    fixture_write(f, ".rowhouse-export", "kept", 4);
    fixture_write(f, "acme.db", "", 0);
    assert_ok(store_lock_server(f->store, false, e));
    assert_false(fixture_exists(f, ".rowhouse-new-1-2"));
    assert_true(fixture_exists(f, ".rowhouse-export"));
    assert_true(fixture_exists(f, "acme.db"));
}

static int count_name(void *ctx, const struct tenant_name *t)
{
    char *seen = ctx;
    strcat(strcat(seen, t->s), " ");
    return strcmp(t->s, "stop") == 0 ? 7 : 0;
}

static void each_visits_tenants_only(void **state)
{
    struct fixture *f = *state;
    char seen[256] = "";
    assert_ok(store_each(f->store, count_name, seen, e));
    assert_string_equal(seen, "");
    static const char *const files[] = {"acme.db",  "ACME.db", "acme.db-wal",
                                        "a.db.bak", ".db",     "x-wal.db"};
    for (size_t i = 0; i < COUNT_OF(files); i++)
        fixture_write(f, files[i], "", 0);
    mkdir(fixture_path(f, "folder.db"), 0700);
    assert_int_equal(mkfifo(fixture_path(f, "fifo.db"), 0600), 0);
    assert_ok(store_each(f->store, count_name, seen, e));
    assert_string_equal(seen, "acme ");
    fixture_write(f, "stop.db", "", 0);
    unlink(fixture_path(f, "acme.db"));
    assert_int_equal(store_each(f->store, count_name, seen, NULL), 7);
}

struct holder {
    struct store *s;
    bool exclusive;
    _Atomic int *inside, *most;
    _Atomic bool *alone_broken;
};

static void *hold(void *arg)
{
    struct holder *h = arg;
    for (int i = 0; i < 200; i++) {
        int handle;
        if (store_ddl_lock(h->s, h->exclusive, &handle, NULL))
            return arg;
        int n = ++*h->inside;
        if (n > *h->most)
            *h->most = n;
        if (h->exclusive && n != 1)
            *h->alone_broken = true;
        --*h->inside;
        store_ddl_unlock(h->s, handle);
    }
    return NULL;
}

static void the_ddl_lock_keeps_threads_apart(void **state)
{
    struct fixture *f = *state;
    _Atomic int inside = 0, most = 0;
    _Atomic bool broken = false;
    pthread_t threads[4];
    struct holder holders[4];
    for (int i = 0; i < 4; i++) {
        holders[i] = (struct holder){f->store, i == 0, &inside, &most, &broken};
        assert_int_equal(pthread_create(&threads[i], NULL, hold, &holders[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *bad;
        pthread_join(threads[i], &bad);
        assert_null(bad);
    }
    assert_false(broken);
    int one, two;
    assert_ok(store_ddl_lock(f->store, false, &one, e)); /* two that share go together */
    assert_ok(store_ddl_lock(f->store, false, &two, e));
    store_ddl_unlock(f->store, one);
    store_ddl_unlock(f->store, two);
}

struct sharer {
    struct store *s;
    _Atomic bool *stop;
};

static void *share_all_the_time(void *arg)
{
    struct sharer *me = arg;
    while (!*me->stop) {
        int handle;
        if (store_ddl_lock(me->s, false, &handle, NULL))
            return arg;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        store_ddl_unlock(me->s, handle);
    }
    return NULL;
}

/* With eight threads there is hardly an instant in which nobody shares it. */
static void sharers_do_not_starve_the_one_alone(void **state)
{
    struct fixture *f = *state;
    _Atomic bool stop = false;
    struct sharer sharer = {f->store, &stop};
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, share_all_the_time, &sharer), 0);
    for (int i = 0; i < 20; i++) {
        int handle;
        assert_ok(store_ddl_lock(f->store, true, &handle, e));
        store_ddl_unlock(f->store, handle);
    }
    stop = true;
    for (int i = 0; i < 8; i++) {
        void *bad;
        pthread_join(threads[i], &bad);
        assert_null(bad);
    }
}

static void show_tells_the_facts(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme"), none = fixture_name("none");
    struct tenant_details d = {.rows = 77};
    assert_fails(store_show(f->store, &none, &d, e), ERR_NOT_FOUND, "there is no tenant none");
    assert_int_equal(d.rows, 77);
    assert_ok(store_create(f->store, &t, e));
    struct conn w = fixture_open(f, "acme", CONN_WRITE);
    fixture_sql(w.db, "INSERT INTO row (text) VALUES ('a'), ('b'), ('c')");
    assert_ok(store_show(f->store, &t, &d, e));
    assert_int_equal(d.rows, 3);
    assert_int_equal(d.schema_version, 2);
    assert_true(d.file_bytes >= 4096);
    assert_true(d.wal_bytes > 0);
    assert_string_equal(d.created_at, "2026-01-02T03:04:05.678Z");
    assert_string_equal(d.last_activity, "");
    assert_string_equal(d.path, fixture_path(f, "acme.db"));
    conn_close(&w);
}

static void a_dry_run_touches_nothing(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme");
    fixture_write(f, "acme.db", "", 0);
    struct migrate_result r = {0};
    assert_ok(store_migrate(f->store, &t, true, &r, e));
    assert_true(r.changed);
    assert_int_equal(r.from, 0);
    assert_int_equal(r.to, 2);
    struct stat st;
    assert_int_equal(stat(fixture_path(f, "acme.db"), &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_false(fixture_exists(f, "acme.db-wal"));
    assert_false(fixture_exists(f, "acme.db-shm"));

    struct tenant_details d;
    assert_ok(store_show(f->store, &t, &d, e)); /* not migrated: no rows to tell of */
    assert_int_equal(d.rows, 0);
    assert_int_equal(d.schema_version, 0);
    assert_ok(store_migrate(f->store, &t, false, &r, e));
    assert_true(r.changed);
    assert_ok(store_migrate(f->store, &t, false, &r, e));
    assert_false(r.changed);
    assert_false(fixture_exists(f, "acme.db-wal"));
}

static void files_that_are_no_databases(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme");
    struct tenant_details d;
    struct migrate_result r;
    char junk[8192];
    memset(junk, 'j', sizeof junk);
    fixture_write(f, "acme.db", junk, sizeof junk);
    assert_fails(store_show(f->store, &t, &d, e), ERR_CORRUPT, "");
    assert_fails(store_migrate(f->store, &t, false, &r, e), ERR_CORRUPT, "");
    unlink(fixture_path(f, "acme.db"));
    assert_int_equal(symlink("/etc/passwd", fixture_path(f, "acme.db")), 0);
    assert_fails(store_show(f->store, &t, &d, e), ERR_UNUSABLE, "symbolic link");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_missing_folder_is_made),
        TEST(a_folder_that_is_none),
        TEST(one_server_a_folder),
        TEST(a_dead_server_leaves_no_lock),
        TEST(leftovers_are_removed_by_the_server),
        TEST(each_visits_tenants_only),
        TEST(the_ddl_lock_keeps_threads_apart),
        TEST(sharers_do_not_starve_the_one_alone),
        TEST(show_tells_the_facts),
        TEST(a_dry_run_touches_nothing),
        TEST(files_that_are_no_databases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
