/*
 * engine/sql.c through queries that sqlgen made of sql/notes.sql: all kinds,
 * NULLs, copies, errors, memory. For files that are not what they should be
 * see test_sql_drift.c.
 */
#include <math.h>

#include "test/unit/engine/sql_fixture.h"

/* ---- values ---- */

static void test_values_come_back(void **state)
{
    struct fixture *f = *state;
    struct note_get_row row;
    const struct note_insert_args args = {.id = STR("n1"),
                                          .author = 1,
                                          .title = STR("Na\0ïve"),
                                          .body = optstr_some(STR("text")),
                                          .weight = 2.0,
                                          .score = {true, -0.25},
                                          .stars = {true, INT64_MIN},
                                          .digest = STR("\xff\x00\x01"),
                                          .picture = optstr_some(STR("\x00"))};
    int64_t changes = -1;
    assert_int_equal(note_insert(&f->tx, &args, &changes, &f->e), 0);
    assert_int_equal(changes, 1);
    assert_int_equal(get(f, "n1", &row), 0);
    assert_lit(row.id, "n1");
    assert_int_equal(row.author_id, 1);
    assert_lit(row.title, "Na\0ïve");
    assert_lit(optstr_or(row.body, STR("")), "text");
    assert_true(row.weight == 2.0);
    assert_true(row.score.some && row.score.v == -0.25);
    assert_true(row.stars.some && row.stars.v == INT64_MIN);
    assert_lit(row.digest, "\xff\x00\x01");
    assert_lit(optstr_or(row.picture, STR("")), "\x00");
}

static void test_nothing_is_null(void **state)
{
    struct fixture *f = *state;
    struct note_get_row row;
    insert(f, "n1");
    assert_int_equal(get(f, "n1", &row), 0);
    assert_false(optstr_is_some(row.body) || optstr_is_some(row.picture));
    assert_false(row.score.some || row.stars.some);
}

static void test_empty_is_not_null(void **state)
{
    struct fixture *f = *state;
    struct note_get_row row;
    struct note_insert_args args = plain_note("n1");
    args.title = (struct str){NULL, 0};
    args.digest = (struct str){NULL, 0};
    args.body = optstr_some(STR(""));
    args.picture = optstr_some(STR(""));
    assert_int_equal(note_insert(&f->tx, &args, NULL, &f->e), 0);
    assert_int_equal(get(f, "n1", &row), 0);
    assert_true(row.title.p && row.title.n == 0);
    assert_true(row.digest.p && row.digest.n == 0);
    assert_true(optstr_is_some(row.body) && row.body.n == 0);
    assert_true(optstr_is_some(row.picture) && row.picture.n == 0);
}

static void test_not_a_number_is_refused(void **state)
{
    struct fixture *f = *state;
    struct note_insert_args args = plain_note("n1");
    args.score = (struct optreal){true, NAN};
    assert_int_equal(note_insert(&f->tx, &args, NULL, &f->e), ERR_INVALID);
    assert_int_equal(get(f, "n1", &(struct note_get_row){0}), ERR_NOT_FOUND);
}

/* ---- kinds ---- */

static void test_one_without_a_row(void **state)
{
    struct fixture *f = *state;
    struct note_get_row row = {.author_id = 77};
    assert_int_equal(get(f, "none", &row), ERR_NOT_FOUND);
    assert_int_equal(f->e.code, ERR_NOT_FOUND);
    assert_string_equal(f->e.text, "note_get: no row");
    assert_int_equal(row.author_id, 77);
}

static void test_copies_outlive_the_connection(void **state)
{
    struct fixture *f = *state;
    struct note_get_row row;
    insert(f, "n1");
    assert_int_equal(get(f, "n1", &row), 0);
    conn_close(&f->r->conn);
    assert_lit(row.title, "Title");
    assert_int_equal(row.title.p[row.title.n], '\0');
}

static void test_write_that_returns(void **state)
{
    struct fixture *f = *state;
    struct author_add_row author;
    struct author_count_row count;
    const struct author_add_args args = {STR("Grace")};
    /* No text is returned: no arena is needed. */
    assert_int_equal(author_add(&f->tx, &args, NULL, &author, &f->e), 0);
    assert_int_equal(author.id, 2);
    assert_int_equal(author_count(f->r, NULL, &count, &f->e), 0);
    assert_int_equal(count.n, 2);
}

/* The row is there before the foreign key is checked. */
static void test_write_that_returns_and_fails(void **state)
{
    struct fixture *f = *state;
    struct note_move_row moved = {.weight = 77};
    struct note_get_row row;
    insert(f, "n1");
    const struct note_move_args args = {STR("n1"), 99};
    assert_int_equal(note_move(&f->tx, &args, &f->arena, &moved, &f->e), ERR_CONFLICT);
    assert_true(moved.weight == 77);
    assert_int_equal(get(f, "n1", &row), 0);
    assert_int_equal(row.author_id, 1);
}

/* SQLite 3.40.1 returns a whole REAL as an integer here. */
static void test_whole_real_returned(void **state)
{
    struct fixture *f = *state;
    struct note_move_row moved;
    insert(f, "n1");
    must_exec(f->r->conn.db, "UPDATE note SET weight = 3.0");
    const struct note_move_args args = {STR("n1"), 1};
    assert_int_equal(note_move(&f->tx, &args, &f->arena, &moved, &f->e), 0);
    assert_true(moved.weight == 3.0);
    assert_lit(moved.title, "Title");
}

static void test_many_that_writes(void **state)
{
    struct fixture *f = *state;
    struct note_take_row *rows;
    size_t n;
    for (const char *id = "abcd"; *id; id++)
        insert(f, (char[]){*id, '\0'});
    const struct note_take_args args = {STR("d"), 2};
    assert_int_equal(note_take_all(&f->tx, &args, &f->arena, &rows, &n, &f->e), 0);
    assert_int_equal(n, 2);
    assert_lit(rows[0].id, "a");
    assert_lit(rows[1].id, "b");
    assert_int_equal(get(f, "a", &(struct note_get_row){0}), ERR_NOT_FOUND);
    assert_int_equal(get(f, "c", &(struct note_get_row){0}), 0);
}

static void test_changes(void **state)
{
    struct fixture *f = *state;
    int64_t changes = -1;
    insert(f, "a");
    insert(f, "b");
    const struct note_retitle_args args = {STR("Other")};
    assert_int_equal(note_retitle(&f->tx, &args, &changes, &f->e), 0);
    assert_int_equal(changes, 2);
    changes = -1;
    assert_int_equal(author_purge(&f->tx, &changes, &f->e), ERR_CONFLICT);
    assert_int_equal(changes, -1);
    assert_non_null(strstr(f->e.text, "FOREIGN KEY constraint failed"));
}

/* ---- iterators ---- */

static void insert_numbered(struct fixture *f, int n)
{
    char id[16];
    for (int i = 0; i < n; i++) {
        snprintf(id, sizeof id, "n%03d", i);
        insert(f, id);
    }
}

static void test_iterator(void **state)
{
    struct fixture *f = *state;
    struct note_page_iter it;
    struct note_page_row row;
    insert_numbered(f, 3);
    const struct note_page_args args = {STR("n002"), 10};
    assert_int_equal(note_page_begin(f->r, &args, &it, &f->e), 0);
    assert_int_equal(note_page_next(&it, &row, &f->e), 1);
    assert_lit(row.id, "n001");
    assert_int_equal(note_page_next(&it, &row, &f->e), 1);
    assert_lit(row.id, "n000");
    assert_int_equal(note_page_next(&it, &row, &f->e), 0);
    assert_int_equal(note_page_next(&it, &row, &f->e), 0);
    note_page_end(&it);
    note_page_end(&it);
}

static void test_iterator_is_ended_by_scope(void **state)
{
    struct fixture *f = *state;
    struct note_page_row row;
    insert_numbered(f, 2);
    const struct note_page_args args = {STR("z"), 10};
    for (int i = 0; i < 2; i++) {
        CLEANUP(note_page_end) struct note_page_iter it;
        assert_int_equal(note_page_begin(f->r, &args, &it, &f->e), 0);
        assert_int_equal(note_page_next(&it, &row, &f->e), 1);
    }
}

static void test_query_in_use(void **state)
{
    struct fixture *f = *state;
    struct note_page_iter it, second;
    struct note_page_row row;
    insert_numbered(f, 2);
    const struct note_page_args args = {STR("z"), 10};
    assert_int_equal(note_page_begin(f->r, &args, &it, &f->e), 0);
    assert_int_equal(note_page_begin(f->r, &args, &second, &f->e), ERR_INTERNAL);
    assert_string_equal(f->e.text, "note_page: is still being read on this connection");
    note_page_end(&second); /* the failed one; the first goes on */
    assert_int_equal(note_page_next(&it, &row, &f->e), 1);
    assert_int_equal(note_page_next(&it, &row, &f->e), 1);
    assert_int_equal(note_page_next(&it, &row, &f->e), 0);
    assert_int_equal(note_page_begin(f->r, &args, &second, &f->e), 0);
    note_page_end(&second);
}

static void test_all_rows(void **state)
{
    struct fixture *f = *state;
    struct note_page_row *rows;
    size_t n;
    const struct note_page_args args = {STR("z"), 100};
    assert_int_equal(note_page_all(f->r, &args, &f->arena, &rows, &n, &f->e), 0);
    assert_int_equal(n, 0);
    insert_numbered(f, 70);
    assert_int_equal(note_page_all(f->r, &args, &f->arena, &rows, &n, &f->e), 0);
    assert_int_equal(n, 70);
    for (size_t i = 0; i < n; i++) {
        char id[16];
        snprintf(id, sizeof id, "n%03zu", 69 - i);
        assert_str(rows[i].id, str_from(id));
        assert_lit(rows[i].title, "Title");
    }
}

/* ---- errors ---- */

static void test_conflict(void **state)
{
    struct fixture *f = *state;
    const struct note_insert_args args = plain_note("n1");
    insert(f, "n1");
    assert_int_equal(note_insert(&f->tx, &args, NULL, &f->e), ERR_CONFLICT);
    assert_non_null(strstr(f->e.text, "UNIQUE constraint failed: note.id"));
    assert_int_equal(note_insert(&f->tx, &args, NULL, NULL), ERR_CONFLICT);
}

static void test_read_only(void **state)
{
    struct fixture *f = *state;
    struct write_tx tx;
    const struct note_insert_args args = plain_note("n1");
    open_file(f, &tx.reader.conn, SQLITE_OPEN_READONLY);
    assert_int_equal(note_insert(&tx, &args, NULL, &f->e), ERR_READ_ONLY);
    conn_close(&tx.reader.conn);
}

static void test_busy(void **state)
{
    struct fixture *f = *state;
    struct write_tx tx;
    const struct note_insert_args args = plain_note("n1");
    open_file(f, &tx.reader.conn, SQLITE_OPEN_READWRITE);
    must_exec(f->r->conn.db, "BEGIN IMMEDIATE");
    assert_int_equal(note_insert(&tx, &args, NULL, &f->e), ERR_BUSY);
    must_exec(f->r->conn.db, "ROLLBACK");
    assert_int_equal(note_insert(&tx, &args, NULL, &f->e), 0);
    conn_close(&tx.reader.conn);
}

static int stop(void *arg)
{
    (void)arg;
    return 1;
}

static void test_interrupted(void **state)
{
    struct fixture *f = *state;
    struct note_page_iter it;
    insert_numbered(f, 5);
    const struct note_page_args args = {STR("z"), 100};
    sqlite3_progress_handler(f->r->conn.db, 1, stop, NULL);
    assert_int_equal(note_page_begin(f->r, &args, &it, &f->e), ERR_TIMEOUT);
    sqlite3_progress_handler(f->r->conn.db, 0, NULL, NULL);
    assert_int_equal(note_page_begin(f->r, &args, &it, &f->e), 0);
    note_page_end(&it);
}

static void test_too_large(void **state)
{
    struct fixture *f = *state;
    struct note_insert_args args = plain_note("n1");
    static char large[2000];
    args.title = str_make(memset(large, 'x', sizeof large), sizeof large);
    assert_true(sqlite3_limit(f->r->conn.db, SQLITE_LIMIT_LENGTH, 1000) > 0);
    assert_int_equal(note_insert(&f->tx, &args, NULL, &f->e), ERR_TOO_LARGE);
    args.title = STR("x");
    assert_int_equal(note_insert(&f->tx, &args, NULL, &f->e), 0);
}

static void test_full(void **state)
{
    struct fixture *f = *state;
    struct note_insert_args args = plain_note("n1");
    static char large[100000];
    args.title = str_make(memset(large, 'x', sizeof large), sizeof large);
    must_exec(f->r->conn.db, "PRAGMA max_page_count = 10");
    assert_int_equal(note_insert(&f->tx, &args, NULL, &f->e), ERR_DISK_FULL);
}

static void test_codes(void **state)
{
    static const struct {
        int rc, code;
    } codes[] = {
        {SQLITE_FULL, ERR_DISK_FULL},       {SQLITE_READONLY_DBMOVED, ERR_READ_ONLY},
        {SQLITE_BUSY_SNAPSHOT, ERR_BUSY},   {SQLITE_LOCKED_SHAREDCACHE, ERR_BUSY},
        {SQLITE_CORRUPT_VTAB, ERR_CORRUPT}, {SQLITE_NOTADB, ERR_CORRUPT},
        {SQLITE_INTERRUPT, ERR_TIMEOUT},    {SQLITE_CONSTRAINT_CHECK, ERR_CONFLICT},
        {SQLITE_NOMEM, ERR_NOMEM},          {SQLITE_IOERR_NOMEM, ERR_NOMEM},
        {SQLITE_IOERR_READ, ERR_IO},        {SQLITE_CANTOPEN, ERR_IO},
        {SQLITE_AUTH, ERR_PERMISSION},      {SQLITE_MISUSE, ERR_INTERNAL},
        {SQLITE_ERROR, ERR_INTERNAL},       {SQLITE_TOOBIG, ERR_TOO_LARGE},
    };
    struct err e;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        assert_int_equal(sql_error(NULL, codes[i].rc, "what", &e), codes[i].code);
        assert_memory_equal(e.text, "what: ", 6);
        assert_string_equal(e.text + 6, sqlite3_errstr(codes[i].rc));
    }
}

/* A failing open says by errno what it was. */
static void test_codes_by_errno(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db;
    int rc = sqlite3_open_v2("/proc/1/mem/none.db", &db, SQLITE_OPEN_READWRITE, NULL);
    assert_int_equal(rc, SQLITE_CANTOPEN);
    assert_int_equal(sql_error(db, rc, "open", &f->e), ERR_IO);
    assert_string_equal(f->e.text, "open: unable to open database file");
    sqlite3_close(db);
}

/* ---- memory ---- */

/* Each allocation fails once; nothing is returned then, and nothing stays in
 * use: the same query works afterwards. */
static void test_memory_runs_out(void **state)
{
    struct fixture *f = *state;
    struct note_page_row *rows = NULL;
    struct note_get_row row;
    const struct note_page_args args = {STR("z"), 100};
    int rc = -1;
    insert_numbered(f, 40);
    for (int64_t i = 1; rc != 0; i++) {
        size_t n = 77;
        arena_free(&f->arena);
        f->arena = (struct arena)ARENA_INIT;
        fault_arm(FAULT_ALLOC, i, false);
        rc = note_page_all(f->r, &args, &f->arena, &rows, &n, &f->e);
        int64_t fired = fault_fired(FAULT_ALLOC);
        fault_arm(FAULT_ALLOC, 0, false);
        assert_int_equal(rc, fired ? ERR_NOMEM : 0);
        assert_int_equal(n, fired ? 77 : 40);
        assert_true(i > 2 || fired);
    }
    arena_free(&f->arena);
    f->arena = (struct arena)ARENA_INIT;
    fault_arm(FAULT_ALLOC, 1, false);
    assert_int_equal(get(f, "n001", &row), ERR_NOMEM);
    assert_int_equal(get(f, "n001", &row), 0);
}

static void test_closing_what_is_half_built(void **state)
{
    struct conn c = {NULL, {NULL}, {0}};
    (void)state;
    conn_close(NULL);
    conn_close(&c);
    c.stmts[1] = calloc(2, sizeof(sqlite3_stmt *));
    c.counts[1] = 2;
    conn_close(&c);
    assert_null(c.stmts[1]);
}

static void test_module(void **state)
{
    unsigned writes = 0;
    (void)state;
    assert_string_equal(fixture_sql_module.name, "fixture");
    assert_int_equal(fixture_sql_module.slot, 3);
    for (unsigned i = 0; i < fixture_sql_module.count; i++) {
        const struct sql_statement *s = &fixture_sql_module.statements[i];
        assert_int_equal(strlen(s->text), s->text_bytes);
        writes += s->writes;
    }
    assert_int_equal(fixture_sql_module.count, 10);
    assert_int_equal(writes, 6);
    assert_int_equal(fixture_migrations[0].version, 1);
    assert_string_equal(fixture_migrations[0].name, "0001_notes");
    assert_int_equal(strlen(fixture_migrations[0].sql), fixture_migrations[0].sql_bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SQL_TEST(test_values_come_back),
        SQL_TEST(test_nothing_is_null),
        SQL_TEST(test_empty_is_not_null),
        SQL_TEST(test_not_a_number_is_refused),
        SQL_TEST(test_one_without_a_row),
        SQL_TEST(test_copies_outlive_the_connection),
        SQL_TEST(test_write_that_returns),
        SQL_TEST(test_write_that_returns_and_fails),
        SQL_TEST(test_whole_real_returned),
        SQL_TEST(test_many_that_writes),
        SQL_TEST(test_changes),
        SQL_TEST(test_iterator),
        SQL_TEST(test_iterator_is_ended_by_scope),
        SQL_TEST(test_query_in_use),
        SQL_TEST(test_all_rows),
        SQL_TEST(test_conflict),
        SQL_TEST(test_read_only),
        SQL_TEST(test_busy),
        SQL_TEST(test_interrupted),
        SQL_TEST(test_too_large),
        SQL_TEST(test_full),
        cmocka_unit_test(test_codes),
        SQL_TEST(test_codes_by_errno),
        SQL_TEST(test_memory_runs_out),
        cmocka_unit_test(test_closing_what_is_half_built),
        cmocka_unit_test(test_module),
    };
    return cmocka_run_group_tests_name("sql", tests, NULL, NULL);
}
