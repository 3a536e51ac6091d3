/* The walls around a connection, flushing, checkpoints. */
#include "base/fault.h"
#include "test/unit/engine/store_fixture.h"

static void make(struct fixture *f, const char *name)
{
    struct tenant_name t = fixture_name(name);
    assert_ok(store_create(f->store, &t, e));
}

static struct conn open_new(struct fixture *f, enum conn_mode mode)
{
    make(f, "acme");
    return fixture_open(f, "acme", mode);
}

static void test_what_cannot_be_opened(void **state)
{
    struct fixture *f = *state;
    struct conn c = {0};
    make(f, "acme");
    assert_int_equal(symlink("acme.db", fixture_path(f, "link.db")), 0);
    fixture_write(f, "text.db", "this is a text and no database at all", 37);
    assert_fails(conn_open(&c, fixture_path(f, "none.db"), CONN_WRITE, 0, e), ERR_NOT_FOUND,
                 "does not exist");
    assert_false(fixture_exists(f, "none.db"));
    assert_fails(conn_open(&c, fixture_path(f, "link.db"), CONN_READ, 0, e), ERR_UNUSABLE, "link");
    assert_fails(conn_open(&c, f->path, CONN_READ, 0, e), ERR_UNUSABLE, "regular");
    assert_fails(conn_open(&c, fixture_path(f, "text.db"), CONN_WRITE, 0, e), ERR_CORRUPT,
                 "text.db");
    assert_null(c.db); /* untouched on failure */
}

static void assert_refused(struct conn *c, const char *sql)
{
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    if ((rc & 0xff) != SQLITE_AUTH && rc != SQLITE_ERROR)
        fail_msg("%s: %d", sql, rc);
}

static void test_statements_that_reach_outside(void **state)
{
    static const char *const refused[] = {
        "ATTACH '/tmp/x.db' AS x",
        "ATTACH ':memory:' AS x",
        "DETACH main",
        "VACUUM INTO '/tmp/x.db'",
        "SELECT load_extension('/tmp/x.so')",
        "SELECT fts3_tokenizer('simple')",
        "PRAGMA journal_mode=DELETE",
        "PRAGMA synchronous=OFF",
        "PRAGMA trusted_schema=1",
        "PRAGMA writable_schema=1",
        "PRAGMA mmap_size=1000000",
        "PRAGMA wal_checkpoint",
        "PRAGMA wal_autocheckpoint=1",
        "PRAGMA locking_mode=EXCLUSIVE",
        "PRAGMA temp_store_directory='/tmp'",
        "PRAGMA optimize",
        "PRAGMA nonsense",
    };
    static const char *const allowed[] = {"PRAGMA user_version", "PRAGMA journal_mode",
                                          "PRAGMA integrity_check(1)", "PRAGMA foreign_key_check",
                                          "PRAGMA table_info(row)"};
    struct conn c = open_new(*state, CONN_WRITE);
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        assert_refused(&c, refused[i]);
    for (size_t i = 0; i < COUNT_OF(allowed); i++)
        fixture_sql(c.db, allowed[i]);
    fixture_sql(c.db, "PRAGMA user_version=7");
    assert_int_equal(fixture_int(c.db, "PRAGMA user_version"), 7);
    assert_int_equal(fixture_int(c.db, "PRAGMA foreign_keys"), 1);
    assert_int_equal(fixture_int(c.db, "PRAGMA synchronous"), 1);
    assert_int_equal(sqlite3_exec(c.db, "UPDATE sqlite_schema SET sql = ''", NULL, NULL, NULL),
                     SQLITE_ERROR);
    conn_close(&c);
}

static void test_a_reader_cannot_write(void **state)
{
    struct conn c = open_new(*state, CONN_READ);
    assert_int_equal(sqlite3_exec(c.db, "INSERT INTO row (text) VALUES ('x')", NULL, NULL, NULL) &
                         0xff,
                     SQLITE_READONLY);
    assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM row"), 0);
    conn_close(&c);
}

static void test_as_is_touches_nothing(void **state)
{
    struct fixture *f = *state;
    make(f, "acme");
    struct conn c = fixture_open(f, "acme", CONN_WRITE);
    sqlite3 *plain = NULL;
    conn_close_tidy(&c);
    assert_int_equal(sqlite3_open(fixture_path(f, "acme.db"), &plain), SQLITE_OK);
    fixture_sql(plain, "PRAGMA journal_mode=DELETE");
    sqlite3_close(plain);
    c = fixture_open(f, "acme", CONN_WRITE_AS_IS);
    assert_false(fixture_exists(f, "acme.db-wal"));
    assert_ok(conn_use_wal(&c, e));
    fixture_sql(c.db, "INSERT INTO row (text) VALUES ('x')");
    assert_true(fixture_exists(f, "acme.db-wal"));
    assert_ok(conn_flush(&c, e));
    conn_close_tidy(&c);
    assert_false(fixture_exists(f, "acme.db-wal"));
}

static void test_which_file(void **state)
{
    struct fixture *f = *state;
    struct conn c = open_new(f, CONN_WRITE);
    struct file_id of_conn, of_name;
    assert_ok(conn_file_id(&c, &of_conn, e));
    assert_ok(path_file_id(fixture_path(f, "acme.db"), &of_name, e));
    assert_true(file_id_same(of_conn, of_name));
    make(f, "other");
    char from[256];
    snprintf(from, sizeof from, "%s", fixture_path(f, "other.db"));
    assert_int_equal(rename(from, fixture_path(f, "acme.db")), 0);
    assert_fails(conn_file_id(&c, &of_conn, e), ERR_REPLACED, "replaced");
    unlink(fixture_path(f, "acme.db"));
    assert_fails(conn_file_id(&c, &of_conn, e), ERR_REPLACED, "removed");
    assert_fails(path_file_id(fixture_path(f, "acme.db"), &of_name, e), ERR_NOT_FOUND, "acme.db");
    conn_close(&c);
}

static void test_closing_leaves_the_wal_alone(void **state)
{
    struct fixture *f = *state;
    struct conn c = open_new(f, CONN_WRITE);
    fixture_sql(c.db, "INSERT INTO row (text) VALUES ('x')");
    conn_close(&c);
    assert_true(fixture_exists(f, "acme.db-wal"));
    c = fixture_open(f, "acme", CONN_READ);
    assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM row"), 1);
    conn_close(&c);
    assert_true(fixture_exists(f, "acme.db-wal"));
}

static void test_flush_that_fails(void **state)
{
    struct conn c = open_new(*state, CONN_WRITE);
    fixture_sql(c.db, "INSERT INTO row (text) VALUES ('x')");
    fault_arm(FAULT_IO, 1, false);
    assert_fails(conn_flush(&c, e), ERR_IO, "flush");
    assert_int_equal(fault_fired(FAULT_IO), 1);
    conn_close(&c);
}

static void test_a_found_wal_is_kept_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct conn c = open_new(f, CONN_WRITE);
    for (int i = 0; i < 100; i++) /* more than one piece of the copying */
        fixture_sql(c.db, "INSERT INTO row (text) VALUES (hex(zeroblob(2000)))");
    conn_close(&c);
    c = fixture_open(f, "acme", CONN_WRITE);
    assert_ok(conn_adopt_wal(&c, e));
    assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM row"), 100);
    fixture_sql(c.db, "INSERT INTO row (text) VALUES ('after')");
    conn_close(&c);
    c = fixture_open(f, "acme", CONN_WRITE);
    assert_int_equal(fixture_int(c.db, "SELECT count(*) FROM row"), 101);
    fault_arm(FAULT_IO, 1, false);
    assert_fails(conn_adopt_wal(&c, e), ERR_IO, "rewrite");
    fault_arm(FAULT_ALLOC, 1, false);
    assert_fails(conn_adopt_wal(&c, e), ERR_NOMEM, "memory");
    assert_ok(conn_adopt_wal(&c, e)); /* and no transaction was left open */
    conn_close(&c);
}

static void test_checkpoint_waits_for_no_reader(void **state)
{
    struct fixture *f = *state;
    struct conn w = open_new(f, CONN_WRITE);
    struct conn r = fixture_open(f, "acme", CONN_READ);
    int left = -1;
    fixture_sql(r.db, "BEGIN");
    assert_int_equal(fixture_int(r.db, "SELECT count(*) FROM row"), 0);
    fixture_sql(w.db, "INSERT INTO row (text) VALUES ('x')");
    assert_ok(conn_checkpoint(&w, false, &left, e));
    assert_true(left > 0);
    fixture_sql(r.db, "COMMIT");
    assert_ok(conn_checkpoint(&w, false, &left, e));
    assert_int_equal(left, 0);
    assert_ok(conn_checkpoint(&w, true, &left, e));
    struct stat st;
    assert_int_equal(stat(fixture_path(f, "acme.db-wal"), &st), 0);
    assert_int_equal(st.st_size, 0);
    conn_close(&r);
    conn_close(&w);
}

#define CONN_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONN_TEST(test_what_cannot_be_opened),
        CONN_TEST(test_statements_that_reach_outside),
        CONN_TEST(test_a_reader_cannot_write),
        CONN_TEST(test_as_is_touches_nothing),
        CONN_TEST(test_which_file),
        CONN_TEST(test_closing_leaves_the_wal_alone),
        CONN_TEST(test_flush_that_fails),
        CONN_TEST(test_a_found_wal_is_kept_as_it_is),
        CONN_TEST(test_checkpoint_waits_for_no_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
