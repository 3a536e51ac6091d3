/*
 * Files whose schema or content is not what the program was built for: an
 * error, never a NULL pointer.
 */
#include "test/unit/engine/sql_fixture.h"

/* Puts another table in place of note. */
static void drift(struct fixture *f, const char *columns, const char *values)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "DROP TABLE note; CREATE TABLE note (%s); INSERT INTO note VALUES (%s)", columns,
             values);
    must_exec(f->r->conn.db, sql);
}

#define NOTE_COLUMNS "id, author_id, title, body, weight, score, stars, digest, picture"

static void test_drift_of_values(void **state)
{
    static const struct {
        const char *values, *text;
    } cases[] = {
        {"'n1', 1, NULL, NULL, 1.0, NULL, NULL, x'00', NULL",
         "column 'title' is NULL where text is expected"},
        {"'n1', 'one', 't', NULL, 1.0, NULL, NULL, x'00', NULL",
         "column 'author_id' is text where an integer is expected"},
        {"'n1', NULL, 't', NULL, 1.0, NULL, NULL, x'00', NULL",
         "column 'author_id' is NULL where an integer is expected"},
        {"'n1', 1, 't', 5, 1.0, NULL, NULL, x'00', NULL",
         "column 'body' is an integer where text is expected"},
        {"'n1', 1, 't', NULL, x'01', NULL, NULL, x'00', NULL",
         "column 'weight' is a blob where a real is expected"},
        {"'n1', 1, 't', NULL, 9007199254740993, NULL, NULL, x'00', NULL",
         "column 'weight' is an integer where a real is expected"},
        {"'n1', 1, 't', NULL, 1.0, 'x', NULL, x'00', NULL",
         "column 'score' is text where a real is expected"},
        {"'n1', 1, 't', NULL, 1.0, NULL, 2.5, x'00', NULL",
         "column 'stars' is a real where an integer is expected"},
        {"'n1', 1, 't', NULL, 1.0, NULL, NULL, NULL, NULL",
         "column 'digest' is NULL where a blob is expected"},
        {"'n1', 1, 't', NULL, 1.0, NULL, NULL, x'00', 'x'",
         "column 'picture' is text where a blob is expected"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct note_get_row row = {.author_id = 77};
        drift(f, NOTE_COLUMNS, cases[i].values);
        assert_int_equal(get(f, "n1", &row), ERR_CORRUPT);
        assert_string_equal(f->e.text, cases[i].text);
        assert_int_equal(row.author_id, 77);
    }
    drift(f, NOTE_COLUMNS, "'n1', 1, 't', NULL, 1, 2, 3, x'00', NULL");
    assert_int_equal(get(f, "n1", &(struct note_get_row){0}), 0);
}

static void test_wrong_mark(void **state)
{
    struct fixture *f = *state;
    struct note_weight_row row;
    assert_int_equal(note_weight(f->r, NULL, &row, &f->e), ERR_CORRUPT);
    assert_string_equal(f->e.text, "column 'weight' is NULL where an integer is expected");
    insert(f, "n1");
    assert_int_equal(note_weight(f->r, NULL, &row, &f->e), ERR_CORRUPT);
    assert_string_equal(f->e.text, "column 'weight' is a real where an integer is expected");
}

static void test_drift_while_iterating(void **state)
{
    struct fixture *f = *state;
    struct note_page_iter it;
    struct note_page_row row = {0}, *rows = NULL;
    size_t n = 77;
    drift(f, "id, title, body", "'b', 'fine', NULL), ('a', NULL, NULL");
    const struct note_page_args args = {STR("z"), 10};
    assert_int_equal(note_page_begin(f->r, &args, &it, &f->e), 0);
    assert_int_equal(note_page_next(&it, &row, &f->e), 1);
    assert_int_equal(note_page_next(&it, &row, &f->e), ERR_CORRUPT);
    assert_int_equal(row.title.n, strlen("fine")); /* what it points to is gone */
    assert_int_equal(note_page_next(&it, &row, &f->e), 0);
    assert_int_equal(note_page_all(f->r, &args, &f->arena, &rows, &n, &f->e), ERR_CORRUPT);
    assert_null(rows);
    assert_int_equal(n, 77);
}

static void test_missing_column(void **state)
{
    struct fixture *f = *state;
    struct note_get_row row;
    drift(f, "id, title", "'n1', 't'");
    assert_int_equal(get(f, "n1", &row), ERR_CORRUPT);
    assert_string_equal(f->e.text,
                        "note_get: the schema is not the expected one: no such column: author_id");
}

/* The statement was prepared before the change; SQLite prepares it again. */
static void test_column_goes_missing(void **state)
{
    struct fixture *f = *state;
    insert(f, "n1");
    assert_int_equal(get(f, "n1", &(struct note_get_row){0}), 0);
    drift(f, "id, title", "'n1', 't'");
    assert_int_equal(get(f, "n1", &(struct note_get_row){0}), ERR_CORRUPT);
    assert_non_null(strstr(f->e.text, "no such column"));
    must_exec(f->r->conn.db, "DROP TABLE note");
    must_exec(f->r->conn.db, strstr(fixture_migrations[0].sql, "CREATE TABLE note"));
    assert_int_equal(get(f, "n1", &(struct note_get_row){0}), ERR_NOT_FOUND);
}

static void test_no_database(void **state)
{
    struct fixture *f = *state;
    struct reader r;
    struct author_count_row row;
    conn_close(&f->r->conn);
    FILE *file = fopen(f->path, "we");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fputs("This is no database. ", file);
    assert_int_equal(fclose(file), 0);
    r.conn = (struct conn){NULL, {NULL}, {0}};
    assert_int_equal(sqlite3_open(f->path, &r.conn.db), SQLITE_OK);
    assert_int_equal(author_count(&r, NULL, &row, &f->e), ERR_CORRUPT);
    assert_string_equal(f->e.text, "author_count: file is not a database");
    conn_close(&r.conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SQL_TEST(test_drift_of_values),       SQL_TEST(test_wrong_mark),
        SQL_TEST(test_drift_while_iterating), SQL_TEST(test_missing_column),
        SQL_TEST(test_column_goes_missing),   SQL_TEST(test_no_database),
    };
    return cmocka_run_group_tests_name("sql_drift", tests, NULL, NULL);
}
