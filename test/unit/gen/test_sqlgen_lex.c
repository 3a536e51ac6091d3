/*
 * The lexer on what SQL writes in many ways, and the whole generator on query
 * files with random damage: whatever the bytes, it ends, keeps inside of the
 * text, and names a place for every refusal.
 */
#include <stdio.h>
#include <stdlib.h>

#include "gen/sqlgen/emit.h"
#include "gen/sqlgen/sqlgen.h"
#include "test/unit/base/unit.h"

static void test_tokens(void **state)
{
    static const struct {
        const char *text;
        enum token_kind kind;
        size_t n; /* bytes of the first token; the rest must be one `;` */
    } cases[] = {
        {"select;", TOKEN_WORD, 6},
        {"_a1$;", TOKEN_WORD, 4},
        {"\xc3\xa9t\xc3\xa9;", TOKEN_WORD, 5},
        {"x;", TOKEN_WORD, 1},
        {"x'00';", TOKEN_STRING, 5},
        {"X'';", TOKEN_STRING, 3},
        {"'it''s -- ;';", TOKEN_STRING, 12},
        {"'';", TOKEN_STRING, 2},
        {"\"a\"\"b\";", TOKEN_QUOTED, 6},
        {"[a]]b;", TOKEN_QUOTED, 3},
        {"`a;b`;", TOKEN_QUOTED, 5},
        {"12;", TOKEN_NUMBER, 2},
        {"1.5e+3;", TOKEN_NUMBER, 6},
        {".5E-1;", TOKEN_NUMBER, 5},
        {"0xFe;", TOKEN_NUMBER, 4},
        {":name;", TOKEN_PARAM, 5},
        {"@n;", TOKEN_PARAM, 2},
        {"$n;", TOKEN_PARAM, 2},
        {"?12;", TOKEN_PARAM, 3},
        {"?;", TOKEN_PARAM, 1},
        {":;", TOKEN_PUNCT, 1},
        {"-;", TOKEN_PUNCT, 1},
        {"/;", TOKEN_PUNCT, 1},
        {"/* ; ' */;", TOKEN_COMMENT, 9},
        {"-- ; '\n;", TOKEN_COMMENT, 6},
        {"'never;", TOKEN_BAD, 7},
        {"\"never\"\";", TOKEN_BAD, 9},
        {"/* never *;", TOKEN_BAD, 11},
        {"x'never;", TOKEN_BAD, 8},
        {"", TOKEN_END, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str text = str_from(cases[i].text);
        size_t end, after;
        struct token t = lex_next(text, 0, &end);
        if (t.kind != cases[i].kind || t.text.n != cases[i].n)
            fail_msg("%s: kind %d, %zu bytes", cases[i].text, (int)t.kind, t.text.n);
        struct token next = lex_next(text, end, &after);
        bool whole = t.kind == TOKEN_BAD || t.kind == TOKEN_END;
        if (cases[i].kind != TOKEN_QUOTED || text.p[0] != '[')
            assert_int_equal(next.kind, whole ? TOKEN_END : TOKEN_SEMI);
    }
}

static void test_depth(void **state)
{
    struct gen g;
    size_t n;
    (void)state;
    gen_init(&g, stderr);
    const struct token *t = lex_all(&g, STR("a (b /* ( */ (c) ')') d"), 0, 23, &n);
    static const int depths[] = {0, 0, 1, 1, 2, 1, 1, 0, 0};
    assert_int_equal(n, COUNT_OF(depths));
    for (size_t i = 0; i < n; i++)
        assert_int_equal(t[i].depth, depths[i]);
    assert_int_equal(t[n].kind, TOKEN_END);
    gen_free(&g);
}

static void test_quotes_go(void **state)
{
    struct gen g;
    size_t n;
    (void)state;
    gen_init(&g, stderr);
    struct str text = STR("\"a\"\"b\" [c\"d] `e``f` 'g''h' i");
    const struct token *t = lex_all(&g, text, 0, text.n, &n);
    static const char *const names[] = {"a\"b", "c\"d", "e`f", "g'h", "i"};
    assert_int_equal(n, COUNT_OF(names));
    for (size_t i = 0; i < n; i++)
        assert_str(token_name(&g, &t[i]), str_from(names[i]));
    gen_free(&g);
}

static void test_names(void **state)
{
    static const char *const good[] = {"a", "item_page", "B2", "integer", "null"};
    static const char *const bad[] = {"", "_a", "2a", "a-b", "\xc3\xa9", "int", "NULL", "linux"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_true(name_usable(str_from(good[i])));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(name_usable(str_from(bad[i])));
}

/* ---- damaged files ---- */

static const char schema[] = "CREATE TABLE note (id TEXT NOT NULL PRIMARY KEY, n INTEGER, r REAL) "
                             "STRICT; CREATE VIEW v AS SELECT id FROM note";

static const char queries[] =
    "-- A file.\n\n"
    "-- Some words.\n"
    "-- name: note_page :many\n"
    "-- param: before text?\n-- param: bound int\n-- col: twice int!\n"
    "SELECT id, note.n, r AS \"x\", n * 2 AS twice /* ; */ FROM note\n"
    "WHERE id < :before ORDER BY id DESC LIMIT :bound;\n\n"
    "-- name: note_put :one\n-- param: id text\n-- scan-ok: no reason\n"
    "INSERT INTO note (id, n) VALUES (:id, 'it''s' IS NULL) RETURNING id;\n"
    "/* between */\n"
    "-- name: v_get :one\nWITH c (k) AS (SELECT id FROM v) SELECT k FROM c WHERE k = 'a';\n";

static const char *const pieces[] = {"'",        "\"",      "[",        "`",          "/*",
                                     "*/",       "--",      ";",        "(",          ")",
                                     ",",        "*",       ":",        "?",          "\n",
                                     "-- name:", " :one",   "-- col: ", "-- param: ", "RETURNING",
                                     "SELECT",   " AS ",    "FROM",     "VALUES",     "UNION",
                                     "WITH",     ":before", "LIMIT",    "\xc3\xa9",   "0x"};

/* Cuts, doubles or puts in something, a few times. */
static void damage(struct unit_random *r, struct buf *text)
{
    for (size_t times = 1 + unit_below(r, 4); times > 0; times--) {
        CLEANUP(buf_free) struct buf old = BUF_INIT;
        buf_add(&old, buf_str(text));
        struct str s = buf_str(&old);
        size_t at = unit_below(r, s.n + 1), n = unit_below(r, 12);
        size_t form = unit_below(r, 3);
        buf_reset(text);
        buf_add(text, str_sub(s, 0, at));
        if (form == 0)
            buf_add(text, str_from(pieces[unit_below(r, COUNT_OF(pieces))]));
        if (form == 1)
            buf_add(text, str_sub(s, unit_below(r, s.n + 1), n));
        buf_add(text, str_sub(s, form == 2 ? at + n : at, s.n));
    }
    assert_true(buf_ok(text));
}

/* Every message has the form file:line:col: error: text. */
static unsigned count_messages(char *text)
{
    unsigned n = 0, line, column;
    int end;
    for (char *at = text; *at; n++) {
        end = 0;
        sscanf(at, "q.sql:%u:%u: error: %n", &line, &column, &end);
        if (!end || line == 0 || column == 0)
            fail_msg("not a message: %s", at);
        /* SQLite quotes the text, and with it its line ends. */
        do {
            at += strcspn(at, "\n");
            at += *at == '\n';
        } while (*at && strncmp(at, "q.sql:", 6) != 0);
    }
    return n;
}

/* True where the file was accepted. */
static bool generate(struct str text)
{
    struct gen g;
    char *messages = NULL;
    size_t n;
    CLEANUP(buf_free) struct buf c = BUF_INIT;
    CLEANUP(buf_free) struct buf h = BUF_INIT;
    FILE *f = open_memstream(&messages, &n);
    assert_non_null(f);
    gen_init(&g, f);
    assert_true(schema_open(&g));
    assert_int_equal(sqlite3_exec(g.db, schema, NULL, NULL, NULL), SQLITE_OK);
    const struct source source = {"q.sql", gen_copy(&g, text)};
    parse_queries(&g, &source);
    check_names(&g);
    for (struct query *q = g.queries; q; q = q->next)
        check_query(&g, q);
    const struct emit_options o = {"m", 1, "m.c", "m.h", "q.sql", false, true};
    if (!g.errors) {
        emit_header(&g, &o, &h);
        emit_source(&g, &o, &c);
        assert_true(buf_ok(&c) && buf_ok(&h));
    }
    assert_int_equal(fclose(f), 0);
    bool accepted = g.errors == 0;
    assert_int_equal(count_messages(messages), g.errors > REPORT_MAX ? REPORT_MAX : g.errors);
    free(messages);
    gen_free(&g);
    return accepted;
}

static void test_damaged_files(void **state)
{
    enum { FILES = 3000 };
    struct unit_random r = {UINT64_C(0xdead)};
    unsigned accepted = 0;
    (void)state;
    assert_true(generate(str_from(queries)));
    for (int i = 0; i < FILES; i++) {
        CLEANUP(buf_free) struct buf text = BUF_INIT;
        buf_add(&text, str_from(queries));
        damage(&r, &text);
        accepted += generate(buf_str(&text));
    }
    /* Much damage is refused, some falls into comments and spaces. */
    assert_in_range(accepted, FILES / 50, FILES / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_quotes_go),     cmocka_unit_test(test_names),
        cmocka_unit_test(test_damaged_files),
    };
    return cmocka_run_group_tests_name("sqlgen_lex", tests, NULL, NULL);
}
