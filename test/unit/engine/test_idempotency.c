/* engine/idempotency.c */
#include "engine/idempotency.h"
#include "test/unit/engine/store_fixture.h"

static struct write_tx open_tx(struct fixture *f)
{
    struct tenant_name t = fixture_name("acme");
    assert_ok(store_create(f->store, &t, e));
    return (struct write_tx){.reader = {.conn = fixture_open(f, "acme", CONN_WRITE)}};
}

#define HASH_A STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
#define HASH_B STR("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")

static void what_is_stored_is_found(void **state)
{
    struct write_tx tx = open_tx(*state);
    struct arena a = ARENA_INIT;
    struct idempotency_answer in = {201, STR("Location: /x\r\n"), STR("{\"a\":\"\0\"}"), HASH_A},
                              out = {.status = 77};
    assert_fails(idempotency_find(&tx, STR("k"), &a, &out, e), ERR_NOT_FOUND, "");
    assert_int_equal(out.status, 77);
    assert_ok(idempotency_store(&tx, STR("k"), &in, e));
    assert_fails(idempotency_find(&tx, STR("K"), &a, &out, e), ERR_NOT_FOUND, "");
    assert_ok(idempotency_find(&tx, STR("k"), &a, &out, e));
    assert_int_equal(out.status, 201);
    assert_true(str_eq(out.headers, in.headers));
    assert_true(str_eq(out.body, in.body));
    assert_true(str_eq(out.request_hash, in.request_hash));

    struct idempotency_answer empty = {204, STR(""), STR(""), HASH_B};
    assert_ok(idempotency_store(&tx, STR("k2"), &empty, e));
    assert_ok(idempotency_find(&tx, STR("k2"), &a, &out, e));
    assert_int_equal(out.status, 204);
    assert_int_equal(out.body.n, 0);
    arena_free(&a);
    conn_close(&tx.reader.conn);
}

static void it_holds_as_the_write_does(void **state)
{
    struct fixture *f = *state;
    struct write_tx tx = open_tx(f);
    struct arena a = ARENA_INIT;
    struct idempotency_answer in = {201, STR(""), STR("b"), HASH_A}, out;
    fixture_sql(tx.reader.conn.db, "BEGIN");
    assert_ok(idempotency_store(&tx, STR("k"), &in, e));
    fixture_sql(tx.reader.conn.db, "ROLLBACK");
    assert_fails(idempotency_find(&tx, STR("k"), &a, &out, e), ERR_NOT_FOUND, "");
    assert_ok(idempotency_store(&tx, STR("k"), &in, e));
    conn_close(&tx.reader.conn);
    tx.reader.conn = fixture_open(f, "acme", CONN_WRITE);
    assert_ok(idempotency_find(&tx, STR("k"), &a, &out, e));
    arena_free(&a);
    conn_close(&tx.reader.conn);
}

static void after_24_hours_it_is_gone(void **state)
{
    struct write_tx tx = open_tx(*state);
    sqlite3 *db = tx.reader.conn.db;
    struct arena a = ARENA_INIT;
    struct idempotency_answer old = {201, STR("h"), STR("old"), HASH_A},
                              new = {202, STR("i"), STR("new"), HASH_B}, out;
    assert_ok(idempotency_store(&tx, STR("k"), &old, e));
    assert_int_equal(fixture_int(db, "SELECT expires_ms / 1000 - unixepoch() BETWEEN 86395 AND "
                                     "86401 FROM rowhouse_idempotency"),
                     1);
    fixture_sql(db, "UPDATE rowhouse_idempotency SET expires_ms = expires_ms - 86399 * 1000");
    assert_ok(idempotency_find(&tx, STR("k"), &a, &out, e));
    fixture_sql(db, "UPDATE rowhouse_idempotency SET expires_ms = expires_ms - 3000");
    assert_fails(idempotency_find(&tx, STR("k"), &a, &out, e), ERR_NOT_FOUND, "");
    assert_ok(idempotency_store(&tx, STR("k"), &new, e)); /* the key is free again */
    assert_ok(idempotency_find(&tx, STR("k"), &a, &out, e));
    assert_int_equal(out.status, 202);
    assert_true(str_eq(out.body, STR("new")));
    assert_int_equal(fixture_int(db, "SELECT count(*) FROM rowhouse_idempotency"), 1);
    arena_free(&a);
    conn_close(&tx.reader.conn);
}

static void the_purge_is_bounded(void **state)
{
    struct write_tx tx = open_tx(*state);
    sqlite3 *db = tx.reader.conn.db;
    struct idempotency_answer in = {201, STR(""), STR("b"), HASH_A};
    char key[16];
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "k%d", i);
        assert_ok(idempotency_store(&tx, str_from(key), &in, e));
    }
    fixture_sql(db, "UPDATE rowhouse_idempotency SET expires_ms = 1 WHERE id > 10");
    for (int left = 100; left > 10;) {
        assert_ok(idempotency_store(&tx, STR("one"), &in, e));
        int now = (int)fixture_int(db, "SELECT count(*) - 1 FROM rowhouse_idempotency");
        assert_true(now < left && left - now <= 20);
        left = now;
    }
    assert_ok(idempotency_store(&tx, STR("one"), &in, e));
    assert_int_equal(fixture_int(db, "SELECT count(*) FROM rowhouse_idempotency"), 11);
    conn_close(&tx.reader.conn);
}

static void nonsense_in_the_table_is_corrupt(void **state)
{
    struct write_tx tx = open_tx(*state);
    struct arena a = ARENA_INIT;
    struct idempotency_answer in = {201, STR(""), STR("b"), HASH_A}, out;
    assert_ok(idempotency_store(&tx, STR("k"), &in, e));
    fixture_sql(tx.reader.conn.db, "UPDATE rowhouse_idempotency SET request_hash = x'00'");
    assert_fails(idempotency_find(&tx, STR("k"), &a, &out, e), ERR_CORRUPT, "");
    fixture_sql(tx.reader.conn.db, "UPDATE rowhouse_idempotency SET request_hash = zeroblob(32),"
                                   " status = 1 << 40");
    assert_fails(idempotency_find(&tx, STR("k"), &a, &out, e), ERR_CORRUPT, "");
    arena_free(&a);
    conn_close(&tx.reader.conn);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_stored_is_found),          TEST(it_holds_as_the_write_does),
        TEST(after_24_hours_it_is_gone),        TEST(the_purge_is_bounded),
        TEST(nonsense_in_the_table_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
