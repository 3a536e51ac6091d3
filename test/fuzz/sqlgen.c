/*
 * sqlgen on query files. Every complaint has a place inside of the file; tokens cover the file in
 * order; of a file that is accepted, each statement stands in the emitted C as a literal, byte for
 * byte, and nothing of it outside of literals and comments.
 */
#include "gen/sqlgen/sqlgen.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "c_text.h"
#include "fuzz.h"

static const char schema[] =
    "CREATE TABLE items (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, description TEXT,"
    " created_at TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE log (id INTEGER PRIMARY KEY, item TEXT REFERENCES items, size INTEGER NOT NULL,"
    " share REAL, body BLOB) STRICT;"
    "CREATE INDEX log_item ON log (item);"
    "CREATE VIEW sizes AS SELECT item, sum(size) AS total FROM log GROUP BY item;";

static void check_tokens(struct gen *g, const struct source *s)
{
    size_t at = 0, end, n, seen = 0;
    for (;;) {
        struct token t = lex_next(s->text, at, &end);
        FUZZ_CHECK(t.at >= at && t.at <= s->text.n && t.text.p == s->text.p + t.at);
        FUZZ_CHECK(end >= t.at && end <= s->text.n);
        if (t.kind == TOKEN_END)
            break;
        FUZZ_CHECK(end > at && (t.kind == TOKEN_BAD || t.at + t.text.n == end));
        seen += t.kind != TOKEN_COMMENT;
        if (t.kind == TOKEN_BAD)
            break;
        at = end;
    }
    const struct token *all = lex_all(g, s->text, 0, s->text.n, &n);
    FUZZ_CHECK(all[n].kind == TOKEN_END && n <= seen);
    for (size_t i = 1; i < n; i++)
        FUZZ_CHECK(all[i].at >= all[i - 1].at + all[i - 1].text.n);
}

static void check_place(unsigned line, unsigned column, struct str text)
{
    for (unsigned i = 1; i < line; i++) {
        FUZZ_CHECK(str_index(text, '\n') < text.n);
        text = str_sub(text, str_index(text, '\n') + 1, text.n);
    }
    FUZZ_CHECK(line >= 1 && column >= 1 && column - 1 <= str_index(text, '\n'));
}

/* "q.sql:LINE:COLUMN: error: ..." What a complaint quotes may have line ends,
 * and so look like further ones: then places are not looked at. */
static void check_messages(const struct gen *g, const struct source *s, const char *said)
{
    const unsigned right = g->errors < REPORT_MAX ? g->errors : REPORT_MAX;
    unsigned found = 0, lines[REPORT_MAX], columns[REPORT_MAX];
    while (*said) {
        unsigned line = 1, column = 1;
        int n = 0;
        if ((sscanf(said, "q.sql:%u:%u: error: %n", &line, &column, &n) == 2 && n > 0) ||
            strncmp(said, "q.sql: error: ", 14) == 0) {
            if (found < REPORT_MAX) {
                lines[found] = line;
                columns[found] = column;
            }
            found++;
        }
        said = strchrnul(said, '\n');
        said += *said == '\n';
    }
    FUZZ_CHECK(found >= right);
    for (unsigned i = 0; found == right && i < found; i++)
        check_place(lines[i], columns[i], s->text);
}

static void check_emitted(struct gen *g)
{
    static const struct emit_options options = {.module = "fuzz",
                                                .slot = 1,
                                                .path_c = "q.c",
                                                .path_h = "q.h",
                                                .made_from = "q.sql",
                                                .with_queries = true};
    struct buf c = BUF_INIT, h = BUF_INIT;
    struct c_text source, header;
    emit_source(g, &options, &c);
    emit_header(g, &options, &h);
    FUZZ_CHECK(buf_ok(&c) && buf_ok(&h));
    c_text_read(buf_str(&c), &source);
    c_text_read(buf_str(&h), &header);
    if (source.wrong || header.wrong)
        dprintf(STDERR_FILENO, "%s%s\n%s\n", buf_cstr(&h), buf_cstr(&c),
                source.wrong ? source.wrong : header.wrong);
    FUZZ_CHECK(!source.wrong && !header.wrong);
    for (const struct query *q = g->queries; q; q = q->next) {
        FUZZ_CHECK(name_usable(q->name) && q->tokens && !q->bad);
        FUZZ_CHECK(c_text_has(&source, q->name) && c_text_has(&source, q->sql));
    }
    c_text_free(&source);
    c_text_free(&header);
    buf_free(&c);
    buf_free(&h);
}

/* Making a database is most of the work, and queries are only prepared: one
 * serves many inputs. */
static void lend_database(struct gen *g)
{
    static sqlite3 *db;
    static unsigned uses;
    if (uses++ % 256 == 0) {
        sqlite3_close(db);
        FUZZ_CHECK(schema_open(g));
        FUZZ_CHECK(sqlite3_exec(g->db, schema, NULL, NULL, NULL) == SQLITE_OK);
        db = g->db;
    }
    g->db = db;
}

void fuzz_one(struct str in, struct arena *a)
{
    const struct source s = {.path = "q.sql", .text = arena_copy(a, in)};
    char *said = NULL;
    size_t n;
    /* What gen_read() lets through. */
    if (str_index(in, '\0') < in.n || !utf8_valid(in))
        return;
    FILE *messages = open_memstream(&said, &n);
    struct gen g;
    FUZZ_CHECK(messages != NULL);
    gen_init(&g, messages);
    lend_database(&g);
    check_tokens(&g, &s);
    parse_queries(&g, &s);
    check_names(&g);
    for (struct query *q = g.queries; q; q = q->next)
        check_query(&g, q);
    fclose(messages);
    check_messages(&g, &s, said);
    if (g.errors == 0)
        check_emitted(&g);
    g.db = NULL; /* lent */
    gen_free(&g);
    free(said);
}
