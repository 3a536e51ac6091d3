/* engine/migrate.c */
#include <signal.h>
#include <sys/wait.h>

#include "engine/migrate.h"
#include "engine/template.h"
#include "test/unit/engine/store_fixture.h"

#define HASH(digit) digit digit digit digit digit digit digit digit
#define HASH64(d)   HASH(d d d d d d d d)

static struct migration five[] = {
    {1, "0001_a", "CREATE TABLE a (x INTEGER NOT NULL) STRICT;", 0, HASH64("1")},
    {2, "0002_b", "CREATE TABLE b (x INTEGER) STRICT; INSERT INTO a VALUES (2);", 0, HASH64("2")},
    {3, "0003_c", "CREATE TABLE c (x TEXT) STRICT; INSERT INTO a VALUES (3);", 0, HASH64("3")},
    {4, "0004_d", "CREATE TABLE d (x TEXT) STRICT; INSERT INTO a VALUES (4);", 0, HASH64("4")},
    {5, "0005_e", "CREATE TABLE e (x TEXT) STRICT; INSERT INTO a VALUES (5);", 0, HASH64("5")},
};

static struct engine_app app_of(const struct migration *m, unsigned n)
{
    return (struct engine_app){.migrations = m, .migration_count = n};
}

static struct conn empty_file(struct fixture *f, const char *name)
{
    char file[80];
    snprintf(file, sizeof file, "%s.db", name);
    fixture_write(f, file, "", 0);
    return fixture_open(f, name, CONN_WRITE);
}

static void apply(struct conn *c, unsigned n)
{
    struct engine_app app = app_of(five, n);
    struct migrate_result done;
    assert_ok(migrate_apply(c, &app, &done, e));
}

static long long version(struct conn *c)
{
    return fixture_int(c->db, "PRAGMA user_version");
}

static void an_empty_file_gets_all(void **state)
{
    struct conn c = empty_file(*state, "acme");
    struct engine_app app = app_of(five, 5);
    unsigned pending = 0;
    assert_ok(migrate_verify((struct reader *)&c, &app, &pending, e));
    assert_int_equal(pending, 6); /* the engine's own too */

    struct migrate_result done;
    assert_ok(migrate_apply(&c, &app, &done, e));
    assert_int_equal(done.from, 0);
    assert_int_equal(done.to, 5);
    assert_true(done.changed);
    assert_int_equal(version(&c), 5);
    assert_int_equal(fixture_int(c.db, "PRAGMA application_id"), TENANT_APPLICATION_ID);
    assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM rowhouse_migration"), 6);
    assert_int_equal(fixture_int(c.db, "SELECT sum(x) FROM a"), 14);
    assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM rowhouse_migration WHERE "
                                       "applied_at LIKE '20__-__-__T__:__:__.___Z'"),
                     6);

    assert_ok(migrate_apply(&c, &app, &done, e));
    assert_false(done.changed);
    assert_int_equal(done.from, 5);
    assert_ok(migrate_verify((struct reader *)&c, &app, &pending, e));
    assert_int_equal(pending, 0);
    conn_close(&c);
}

static void later_ones_are_added(void **state)
{
    struct conn c = empty_file(*state, "acme");
    apply(&c, 2);
    struct engine_app app = app_of(five, 5);
    struct migrate_result done;
    assert_ok(migrate_look((struct reader *)&c, &app, &done, e));
    assert_int_equal(done.from, 2);
    assert_int_equal(version(&c), 2);
    assert_ok(migrate_apply(&c, &app, &done, e));
    assert_int_equal(done.from, 2);
    assert_int_equal(done.to, 5);
    assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM a"), 4);
    conn_close(&c);
}

/* Both verifying and applying refuse, and neither writes. */
static void assert_refused(struct conn *c, const struct engine_app *app, int code, const char *part)
{
    struct migrate_result done = {.from = 77};
    unsigned pending = 77;
    int before = sqlite3_total_changes(c->db);
    long long data = fixture_int(c->db, "PRAGMA schema_version");
    assert_fails(migrate_verify((struct reader *)c, app, &pending, e), code, part);
    assert_fails(migrate_apply(c, app, &done, e), code, part);
    assert_int_equal(pending, 77);
    assert_int_equal(done.from, 77);
    assert_int_equal(sqlite3_total_changes(c->db), before);
    assert_int_equal(fixture_int(c->db, "PRAGMA schema_version"), data);
}

static void an_altered_one_is_refused(void **state)
{
    struct conn c = empty_file(*state, "acme");
    apply(&c, 3);
    struct migration changed[5];
    memcpy(changed, five, sizeof changed);
    changed[1].hash = HASH64("f");
    struct engine_app app = app_of(changed, 5);
    assert_refused(&c, &app, ERR_ALTERED, "migration 0002_b of 'app' was changed");
    conn_close(&c);
}

static void a_newer_one_is_refused(void **state)
{
    struct conn c = empty_file(*state, "acme");
    apply(&c, 5);
    struct engine_app app = app_of(five, 3);
    assert_refused(&c, &app, ERR_NEWER, "0004_d");
    app = app_of(five, 5);
    fixture_sql(c.db, "PRAGMA user_version = 6");
    assert_refused(&c, &app, ERR_NEWER, "version 6; this program knows 5");
    fixture_sql(c.db, "PRAGMA user_version = 5");
    fixture_sql(c.db, "INSERT INTO rowhouse_migration VALUES ('queue', 1, 'x', 'y', 'z')");
    assert_refused(&c, &app, ERR_NEWER, "a part 'queue'");
    conn_close(&c);
}

static void a_gap_is_refused(void **state)
{
    struct conn c = empty_file(*state, "acme");
    apply(&c, 5);
    struct engine_app app = app_of(five, 5);
    fixture_sql(c.db, "DELETE FROM rowhouse_migration WHERE component = 'app' AND version = 2");
    assert_refused(&c, &app, ERR_CORRUPT, "migration 2 of 'app' is missing");
    fixture_sql(c.db, "DELETE FROM rowhouse_migration WHERE component = 'engine'");
    assert_refused(&c, &app, ERR_CORRUPT, "missing");
    fixture_sql(c.db, "DROP TABLE rowhouse_migration; CREATE TABLE rowhouse_migration (x)");
    assert_refused(&c, &app, ERR_CORRUPT, "schema");
    conn_close(&c);
}

static void somebody_elses_file_is_refused(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(fixture_path(f, "acme.db"), &db), SQLITE_OK);
    fixture_sql(db, "PRAGMA application_id = 1; CREATE TABLE theirs (x)");
    struct conn c = fixture_open(f, "acme", CONN_WRITE);
    struct engine_app app = app_of(five, 5);
    assert_refused(&c, &app, ERR_UNUSABLE, "another program");
    fixture_sql(db, "PRAGMA application_id = 0; PRAGMA user_version = 3");
    assert_refused(&c, &app, ERR_UNUSABLE, "no list of migrations");
    fixture_sql(db, "PRAGMA user_version = 999");
    assert_refused(&c, &app, ERR_NEWER, "no list of migrations");
    sqlite3_close(db);
    conn_close(&c);
}

static void clashing_tables_are_an_error(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(fixture_path(f, "acme.db"), &db), SQLITE_OK);
    fixture_sql(db, "CREATE TABLE a (theirs TEXT); INSERT INTO a VALUES ('kept')");
    sqlite3_close(db);
    struct conn c = fixture_open(f, "acme", CONN_WRITE);
    struct engine_app app = app_of(five, 5);
    struct migrate_result done;
    assert_fails(migrate_apply(&c, &app, &done, e), ERR_UNUSABLE, "0001_a: table a already exists");
    assert_int_equal(fixture_int(c.db, "SELECT theirs = 'kept' FROM a"), 1);
    assert_int_equal(version(&c), 0);
    conn_close(&c);
}

static void a_failing_one_leaves_those_before(void **state)
{
    struct conn c = empty_file(*state, "acme");
    struct migration broken[5];
    memcpy(broken, five, sizeof broken);
    apply(&c, 1);
    broken[2].sql = "CREATE TABLE c (x TEXT) STRICT; INSERT INTO a VALUES (3);"
                    "INSERT INTO a VALUES (NULL)";
    struct engine_app app = app_of(broken, 5);
    struct migrate_result done;
    assert_fails(migrate_apply(&c, &app, &done, e), ERR_UNUSABLE, "0003_c");
    assert_int_equal(version(&c), 2);
    assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM a"), 1);
    assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM sqlite_schema WHERE name = 'c'"), 0);
    assert_true(sqlite3_get_autocommit(c.db));

    app = app_of(five, 5); /* repaired: it goes on where it stopped */
    assert_ok(migrate_apply(&c, &app, &done, e));
    assert_int_equal(done.from, 2);
    assert_int_equal(fixture_int(c.db, "SELECT sum(x) FROM a"), 14);
    conn_close(&c);
}

/* An empty file is a whole tenant afterwards, or still empty. */
static void an_empty_file_is_never_half_done(void **state)
{
    struct fixture *f = *state;
    struct conn c = empty_file(f, "acme");
    struct migration broken[2];
    memcpy(broken, fixture_migrations, sizeof broken);
    broken[1].sql = "CREATE TABLE info (x) STRICT";
    struct engine_app app = fixture_app;
    struct migrate_result done;
    app.migrations = broken;
    assert_fails(migrate_apply(&c, &app, &done, e), ERR_UNUSABLE, "0002_info");
    assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM sqlite_schema"), 0);
    assert_int_equal(version(&c), 0);

    assert_ok(migrate_apply(&c, &fixture_app, &done, e));
    assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM info WHERE name = 'acme'"), 1);
    assert_ok(migrate_apply(&c, &fixture_app, &done, e)); /* the rows are made once */
    assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM info"), 1);
    conn_close(&c);
}

static int refuse_to_create(struct write_tx *tx, const struct tenant_name *t, struct err *e)
{
    int rc = fixture_create(tx, t, e);
    return rc ? rc : err_set(e, ERR_INVALID, "not %s", t->s);
}

static void on_create_may_refuse(void **state)
{
    struct conn c = empty_file(*state, "acme");
    struct engine_app app = fixture_app;
    struct migrate_result done;
    app.on_create = refuse_to_create;
    assert_fails(migrate_apply(&c, &app, &done, e), ERR_INVALID, "not acme");
    assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM sqlite_schema"), 0);
    assert_true(sqlite3_get_autocommit(c.db));
    conn_close(&c);
}

static void what_a_migration_must_not_do(void **state)
{
    struct fixture *f = *state;
    static const char *const forbidden[] = {"COMMIT",
                                            "CREATE TABLE z (x); COMMIT; CREATE TABLE y (x)",
                                            "BEGIN",
                                            "ROLLBACK",
                                            "SAVEPOINT s",
                                            "END",
                                            "ATTACH '/tmp/rowhouse-other.db' AS o",
                                            "DETACH main",
                                            "PRAGMA journal_mode = DELETE",
                                            "PRAGMA foreign_keys = 1",
                                            "PRAGMA writable_schema = 1",
                                            "SELECT * FROM pragma_user_version",
                                            "VACUUM"};
    struct conn c = empty_file(f, "acme");
    apply(&c, 1);
    for (size_t i = 0; i < COUNT_OF(forbidden); i++) {
        struct migration bad[2] = {five[0], {2, "0002_bad", forbidden[i], 0, HASH64("9")}};
        struct engine_app app = app_of(bad, 2);
        struct migrate_result done;
        assert_fails(migrate_apply(&c, &app, &done, e), ERR_UNUSABLE, "0002_bad");
        assert_int_equal(version(&c), 1);
        assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM sqlite_schema WHERE name = 'z'"),
                         0);
        assert_true(sqlite3_get_autocommit(c.db));
    }
    /* The connection's own authorizer is back. */
    assert_int_not_equal(sqlite3_exec(c.db, "ATTACH ':memory:' AS m", NULL, NULL, NULL), SQLITE_OK);
    conn_close(&c);
}

static void foreign_keys_hold_at_the_commit(void **state)
{
    struct conn c = empty_file(*state, "acme");
    static const char tables[] =
        "CREATE TABLE p (id INTEGER PRIMARY KEY) STRICT;"
        "CREATE TABLE q (p INTEGER NOT NULL REFERENCES p (id) ON DELETE CASCADE) STRICT;"
        "INSERT INTO p VALUES (1); INSERT INTO q VALUES (1);";
    static const char rebuild[] =
        "CREATE TABLE p2 (id INTEGER PRIMARY KEY, more TEXT) STRICT;"
        "INSERT INTO p2 (id) SELECT id FROM p; DROP TABLE p; ALTER TABLE p2 RENAME TO p;";
    struct migration list[3] = {{1, "0001_pq", tables, 0, HASH64("1")},
                                {2, "0002_rebuild", rebuild, 0, HASH64("2")},
                                {3, "0003_orphan", "DELETE FROM p", 0, HASH64("3")}};
    struct engine_app app = app_of(list, 1);
    struct migrate_result done;
    assert_ok(migrate_apply(&c, &app, &done, e));
    app.migration_count = 3;
    assert_fails(migrate_apply(&c, &app, &done, e), ERR_UNUSABLE,
                 "0003_orphan leaves rows in 'q' whose foreign key leads nowhere");
    assert_int_equal(version(&c), 2);
    assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM q"), 1); /* no cascade */
    assert_int_equal(fixture_int(c.db, "PRAGMA foreign_keys"), 1);    /* enforced again */
    conn_close(&c);
}

/* Two connections migrate at once: each migration is applied once. */
static void two_migrate_at_once(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < 10; round++) {
        char name[16], file[24];
        snprintf(name, sizeof name, "t%d", round);
        snprintf(file, sizeof file, "%s.db", name);
        fixture_write(f, file, "", 0);
        pid_t pids[3];
        for (int i = 0; i < 3; i++) {
            pids[i] = fork();
            if (pids[i] == 0) {
                struct tenant_name t;
                struct store *s;
                struct migrate_result done;
                static const struct engine_app app = {.migrations = five, .migration_count = 5};
                struct err e = ERR_INIT;
                int rc = tenant_name_parse(str_from(name), &t, &e);
                if (!rc)
                    rc = store_open(f->path, false, &app, &s, &e);
                if (!rc)
                    rc = store_migrate(s, &t, false, &done, &e);
                if (rc)
                    fprintf(stderr, "%s\n", e.text);
                _exit(rc != 0);
            }
        }
        for (int i = 0; i < 3; i++) {
            int status;
            waitpid(pids[i], &status, 0);
            assert_int_equal(status, 0);
        }
        struct conn c = fixture_open(f, name, CONN_READ);
        assert_int_equal(fixture_int(c.db, "SELECT sum(x) FROM a"), 14);
        conn_close(&c);
    }
}

/* Killed anywhere in a migration: a whole version is there, and it goes on. */
static void killed_at_any_instant(void **state)
{
    struct fixture *f = *state;
    static const struct engine_app app = {.migrations = five, .migration_count = 5};
    struct tenant_name t = fixture_name("acme");
    int unfinished = 0;
    for (int round = 0; round < 40; round++) {
        fixture_write(f, "acme.db", "", 0);
        struct conn c = fixture_open(f, "acme", CONN_WRITE_AS_IS);
        if (round % 2) /* else from nothing, in one step */
            apply(&c, 1);
        conn_close_tidy(&c);
        pid_t pid = fork();
        if (pid == 0) {
            struct store *s;
            struct migrate_result done;
            _exit(store_open(f->path, false, &app, &s, NULL) ||
                  store_migrate(s, &t, false, &done, NULL));
        }
        usleep((useconds_t)(round * 150));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);

        c = fixture_open(f, "acme", CONN_WRITE_AS_IS);
        long long at = version(&c);
        assert_true(round % 2 ? at >= 1 : at == 0 || at == 5);
        unfinished += at < 5;
        assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM sqlite_schema WHERE length(name)"
                                           " = 1"),
                         at);
        struct migrate_result done;
        assert_ok(migrate_apply(&c, &app, &done, e));
        assert_int_equal(done.from, at);
        assert_int_equal(fixture_int(c.db, "SELECT sum(x) FROM a"), 14);
        assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM rowhouse_migration"), 6);
        conn_close_tidy(&c);
    }
    assert_true(unfinished > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_empty_file_gets_all),
        TEST(later_ones_are_added),
        TEST(an_altered_one_is_refused),
        TEST(a_newer_one_is_refused),
        TEST(a_gap_is_refused),
        TEST(somebody_elses_file_is_refused),
        TEST(clashing_tables_are_an_error),
        TEST(a_failing_one_leaves_those_before),
        TEST(an_empty_file_is_never_half_done),
        TEST(on_create_may_refuse),
        TEST(what_a_migration_must_not_do),
        TEST(foreign_keys_hold_at_the_commit),
        TEST(two_migrate_at_once),
        TEST(killed_at_any_instant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
