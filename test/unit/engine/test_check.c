/* engine/check.c */
#include "test/unit/engine/store_fixture.h"

struct lines {
    int n;
    char last[256];
};

static void take(void *ctx, struct str text)
{
    struct lines *l = ctx;
    l->n++;
    snprintf(l->last, sizeof l->last, "%.*s", STR_ARG(text));
}

static void a_whole_tenant_has_no_findings(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme"), none = fixture_name("none");
    struct lines l = {0};
    assert_ok(store_create(f->store, &t, e));
    assert_ok(store_check(f->store, &t, take, &l, e));
    assert_int_equal(l.n, 0);
    assert_false(fixture_exists(f, "acme.db-shm")); /* left as it was found */
    assert_fails(store_check(f->store, &none, take, &l, e), ERR_NOT_FOUND, "no tenant none");
    assert_int_equal(l.n, 0);
}

static void beside_a_writer(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme");
    assert_ok(store_create(f->store, &t, e));
    struct conn w = fixture_open(f, "acme", CONN_WRITE);
    fixture_sql(w.db, "BEGIN IMMEDIATE; INSERT INTO row (text) VALUES ('x')");
    assert_ok(store_check(f->store, &t, NULL, NULL, e));
    fixture_sql(w.db, "COMMIT");
    assert_true(fixture_exists(f, "acme.db-shm")); /* the writer's */
    conn_close(&w);
}

static void orphans_are_found(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme");
    struct lines l = {0};
    sqlite3 *db;
    assert_int_equal(sqlite3_open(fixture_path(f, "acme.db"), &db), SQLITE_OK);
    fixture_sql(db, "CREATE TABLE p (id INTEGER PRIMARY KEY);"
                    "CREATE TABLE q (p INTEGER REFERENCES p (id));"
                    "INSERT INTO q VALUES (1), (2)");
    sqlite3_close(db);
    assert_fails(store_check(f->store, &t, take, &l, e), ERR_CORRUPT,
                 "acme is damaged: 2 findings");
    assert_int_equal(l.n, 2);
    assert_string_equal(l.last, "row 2 of q leads to no row of p");
}

/* Any page that is not free, overwritten, is found; the check always ends. */
static void damaged_pages_are_found(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme");
    assert_ok(store_create(f->store, &t, e));
    struct conn w = fixture_open(f, "acme", CONN_WRITE);
    fixture_sql(w.db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 500)"
                      "INSERT INTO row (text) SELECT 'row number ' || i FROM n");
    conn_close_tidy(&w);
    FILE *in = fopen(fixture_path(f, "acme.db"), "rb");
    static char whole[1 << 18];
    size_t n = fread(whole, 1, sizeof whole, in);
    fclose(in);
    assert_true(n >= 8 * 4096 && n < sizeof whole);
    for (size_t at = 0; at < n; at += 4096) {
        for (int fill = 0; fill < 256; fill += 85) {
            static char damaged[sizeof whole];
            struct lines l = {0};
            memcpy(damaged, whole, n);
            memset(damaged + at, fill, 4096);
            fixture_write(f, "acme.db", damaged, n);
            assert_fails(store_check(f->store, &t, take, &l, e), ERR_CORRUPT, "acme is damaged");
            assert_true(l.n > 0 && l.last[0]);
        }
        fixture_write(f, "acme.db", whole, at); /* cut off */
        struct err err = ERR_INIT;
        if (at)
            assert_int_equal(store_check(f->store, &t, NULL, NULL, &err), ERR_CORRUPT);
    }
    fixture_write(f, "acme.db", whole, n);
    assert_ok(store_check(f->store, &t, NULL, NULL, e));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_whole_tenant_has_no_findings),
        TEST(beside_a_writer),
        TEST(orphans_are_found),
        TEST(damaged_pages_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
