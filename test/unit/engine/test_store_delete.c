/* engine/store_delete.c */
#include <signal.h>
#include <sys/wait.h>

#include "test/unit/engine/store_fixture.h"

static void assert_no_files(struct fixture *f)
{
    static const char *const files[] = {"acme.db", "acme.db-wal", "acme.db-shm", "acme.db-journal"};
    for (size_t i = 0; i < COUNT_OF(files); i++)
        assert_false(fixture_exists(f, files[i]));
}

static void all_files_go(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme"), other = fixture_name("acme-2");
    assert_fails(store_delete(f->store, &t, 100, e), ERR_NOT_FOUND, "there is no tenant acme");
    assert_ok(store_create(f->store, &t, e));
    assert_ok(store_create(f->store, &other, e));
    struct conn c = fixture_open(f, "acme", CONN_WRITE);
    fixture_sql(c.db, "INSERT INTO row (text) VALUES ('x')");
    conn_close(&c);
    fixture_write(f, "acme.db-journal", "junk", 4);
    assert_ok(store_delete(f->store, &t, 100, e));
    assert_no_files(f);
    assert_true(fixture_exists(f, "acme-2.db"));
    assert_fails(store_delete(f->store, &t, 100, e), ERR_NOT_FOUND, "acme");
}

static void damaged_files_go_too(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme");
    char junk[5000];
    memset(junk, 'j', sizeof junk);
    static const size_t sizes[] = {0, 1, 4096, 5000};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        fixture_write(f, "acme.db", junk, sizes[i]);
        assert_ok(store_delete(f->store, &t, 100, e));
        assert_no_files(f);
    }
    fixture_write(f, "target", "t", 1);
    assert_int_equal(symlink("target", fixture_path(f, "acme.db")), 0);
    assert_ok(store_delete(f->store, &t, 100, e));
    assert_no_files(f);
    assert_true(fixture_exists(f, "target"));
    mkdir(fixture_path(f, "acme.db"), 0700);
    assert_fails(store_delete(f->store, &t, 100, e), ERR_NOT_FOUND, "is a folder");
    assert_true(fixture_exists(f, "acme.db"));
}

static void a_writer_is_waited_for(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme");
    assert_ok(store_create(f->store, &t, e));
    struct conn c = fixture_open(f, "acme", CONN_WRITE);
    fixture_sql(c.db, "BEGIN IMMEDIATE; INSERT INTO row (text) VALUES ('x')");
    assert_fails(store_delete(f->store, &t, 50, e), ERR_BUSY, "is being written");
    assert_true(fixture_exists(f, "acme.db"));
    assert_true(fixture_exists(f, "acme.db-wal"));
    fixture_sql(c.db, "COMMIT");
    assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM row"), 1);
    conn_close(&c);
    assert_ok(store_delete(f->store, &t, 50, e));
}

/* What a server does whose tenant is deleted and made again under it: it goes
 * on writing and closes. The new tenant never notices. */
static void the_next_tenant_is_not_damaged(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme");
    for (int round = 0; round < 10; round++) {
        assert_ok(store_create(f->store, &t, e));
        struct conn old = fixture_open(f, "acme", CONN_WRITE);
        struct conn reader = fixture_open(f, "acme", CONN_READ);
        fixture_sql(old.db, "INSERT INTO row (text) VALUES ('old')");
        assert_int_equal(fixture_int(reader.db, "SELECT count(*) FROM row"), 1);

        assert_ok(store_delete(f->store, &t, 1000, e));
        struct file_id id;
        assert_fails(conn_file_id(&old, &id, e), ERR_REPLACED, "removed or replaced");
        fixture_sql(old.db, "INSERT INTO row (text) VALUES ('old, without a name')");
        assert_ok(store_create(f->store, &t, e));
        struct conn new = fixture_open(f, "acme", CONN_WRITE);
        for (int i = 0; i < 50; i++) {
            fixture_sql(old.db, "INSERT INTO row (text) VALUES ('old')");
            fixture_sql(new.db, "INSERT INTO row (text) VALUES ('new')");
            assert_true(fixture_int(reader.db, "SELECT count(*) FROM row") >= 2);
        }
        assert_fails(conn_file_id(&old, &id, e), ERR_REPLACED, "removed or replaced");
        sqlite3_wal_checkpoint_v2(old.db, NULL, SQLITE_CHECKPOINT_FULL, NULL, NULL);
        if (round % 2) {
            conn_close(&reader);
            conn_close(&old);
        } else {
            conn_close_tidy(&reader); /* would unlink -wal and -shm where it may */
            conn_close_tidy(&old);
        }
        assert_true(fixture_exists(f, "acme.db-wal"));
        assert_int_equal(fixture_int(new.db, "SELECT count(*) FROM row WHERE text = 'new'"), 50);
        assert_int_equal(fixture_int(new.db, "SELECT count(*) FROM row"), 50);
        conn_close_tidy(&new);
        new = fixture_open(f, "acme", CONN_READ);
        assert_int_equal(fixture_int(new.db, "SELECT count(*) FROM row WHERE text = 'new'"), 50);
        assert_int_equal(
            fixture_int(new.db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
        conn_close(&new);
        assert_ok(store_delete(f->store, &t, 1000, e));
        assert_no_files(f);
    }
}

/* Processes that make, use and delete one name: whoever gets in finds a tenant
 * that is whole and has only what was written to it since. */
static int use_one_name(const char *path, int rounds)
{
    struct store *s;
    struct tenant_name t;
    if (store_open(path, false, &fixture_app, &s, NULL) || tenant_name_parse(STR("acme"), &t, NULL))
        return 1;
    for (int i = 0; i < rounds; i++) {
        struct tenant_details d;
        struct err e = ERR_INIT;
        int rc = i % 4 == 0   ? store_create(s, &t, &e)
                 : i % 4 == 3 ? store_delete(s, &t, 5000, &e)
                 : i % 4 == 2 ? store_check(s, &t, NULL, NULL, &e)
                              : store_show(s, &t, &d, &e);
        if (rc && rc != ERR_EXISTS && rc != ERR_NOT_FOUND) {
            fprintf(stderr, "step %d: %s\n", i % 4, e.text);
            return 1;
        }
    }
    store_close(s);
    return 0;
}

static void processes_share_one_name(void **state)
{
    struct fixture *f = *state;
    pid_t pids[4];
    for (int i = 0; i < 4; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(use_one_name(f->path, 120 + i));
    }
    int bad = 0;
    for (int i = 0; i < 4; i++) {
        int status;
        waitpid(pids[i], &status, 0);
        bad |= status;
    }
    assert_int_equal(bad, 0);
}

static void killed_while_deleting(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme");
    for (int round = 0; round < 40; round++) {
        int rc = store_create(f->store, &t, NULL);
        assert_true(rc == 0 || rc == ERR_EXISTS);
        struct conn c = fixture_open(f, "acme", CONN_WRITE);
        fixture_sql(c.db, "DELETE FROM row; INSERT INTO row (text) VALUES ('earlier')");
        conn_close(&c);
        pid_t pid = fork();
        if (pid == 0)
            _exit(store_delete(f->store, &t, 1000, NULL) != 0);
        usleep((useconds_t)(round * 40));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        if (fixture_exists(f, "acme.db")) { /* whole, with what was written */
            c = fixture_open(f, "acme", CONN_READ);
            assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM row"), 1);
            conn_close(&c);
        } else { /* gone for good, whatever lies about */
            assert_ok(store_create(f->store, &t, e));
            c = fixture_open(f, "acme", CONN_READ);
            assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM row"), 0);
            conn_close(&c);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(all_files_go),
        TEST(damaged_files_go_too),
        TEST(a_writer_is_waited_for),
        TEST(the_next_tenant_is_not_damaged),
        TEST(processes_share_one_name),
        TEST(killed_while_deleting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
