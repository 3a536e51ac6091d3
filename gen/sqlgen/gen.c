/*
 * The run's memory, inputs and messages.
 *
 * Memory comes from one arena and is never given back before the end. Where
 * there is none left the program aborts: a build step has no better answer.
 */
#include "gen/sqlgen/sqlgen.h"

#include <errno.h>
#include <stdlib.h>

void gen_init(struct gen *g, FILE *messages)
{
    *g = (struct gen){.arena = ARENA_INIT, .messages = messages};
    g->queries_end = &g->queries;
    g->migrations_end = &g->migrations;
}

void gen_free(struct gen *g)
{
    sqlite3_close(g->db);
    free(g->inputs);
    arena_free(&g->arena);
}

void *gen_alloc(struct gen *g, size_t n)
{
    void *p = arena_alloc(&g->arena, n);
    if (!p)
        abort();
    return p;
}

struct str gen_copy(struct gen *g, struct str s)
{
    char *p = gen_alloc(g, s.n + 1);
    memcpy(p, s.p, s.n);
    return (struct str){p, s.n};
}

void gen_input(struct gen *g, const char *path)
{
    if (g->n_inputs == g->inputs_cap) {
        g->inputs_cap = g->inputs_cap ? 2 * g->inputs_cap : 16;
        g->inputs = reallocarray(g->inputs, g->inputs_cap, sizeof *g->inputs);
        if (!g->inputs)
            abort();
    }
    g->inputs[g->n_inputs++] = gen_copy(g, str_from(path)).p;
}

static bool read_all(FILE *f, struct buf *b)
{
    char block[8192];
    size_t n;
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        buf_add(b, str_make(block, n));
    if (!buf_ok(b))
        abort();
    return !ferror(f);
}

const struct source *gen_read(struct gen *g, const char *path)
{
    CLEANUP(buf_free) struct buf b = BUF_INIT;
    gen_input(g, path);
    FILE *f = fopen(path, "re");
    bool done = f && read_all(f, &b);
    int saved = errno;
    if (f)
        fclose(f);
    if (!done) {
        report_file(g, path, "cannot be read: %s", strerror(saved));
        return NULL;
    }
    struct source *s = gen_alloc(g, sizeof *s);
    s->path = gen_copy(g, str_from(path)).p;
    s->text = gen_copy(g, buf_str(&b));
    size_t nul = str_index(s->text, '\0');
    if (nul < s->text.n) {
        report_at(g, s, nul, "a NUL byte in SQL text");
        return NULL;
    }
    if (!utf8_valid(s->text)) {
        report_file(g, path, "is not valid UTF-8");
        return NULL;
    }
    return s;
}

struct place source_place(const struct source *s, size_t offset)
{
    struct place p = {1, 1};
    for (size_t i = 0; i < offset && i < s->text.n; i++) {
        p.column++;
        if (s->text.p[i] == '\n')
            p = (struct place){p.line + 1, 1};
    }
    return p;
}

static bool may_print(struct gen *g)
{
    return g->errors++ < REPORT_MAX;
}

void report_at(struct gen *g, const struct source *s, size_t offset, const char *fmt, ...)
{
    if (!may_print(g))
        return;
    struct place p = source_place(s, offset);
    fprintf(g->messages, "%s:%u:%u: error: ", s->path, p.line, p.column);
    va_list args;
    va_start(args, fmt);
    vfprintf(g->messages, fmt, args);
    va_end(args);
    fputc('\n', g->messages);
}

void report_file(struct gen *g, const char *path, const char *fmt, ...)
{
    if (!may_print(g))
        return;
    fprintf(g->messages, "%s: error: ", path);
    va_list args;
    va_start(args, fmt);
    vfprintf(g->messages, fmt, args);
    va_end(args);
    fputc('\n', g->messages);
}

/* SQLite gives no offset for some errors, such as an unknown table: the last
 * word of its message is then what is wrong, and the first token of that name
 * the place. */
static size_t search_token(struct gen *g, struct str sql, struct str message)
{
    if (str_eq(message, STR("incomplete input")))
        return sql.n;
    size_t n, from = message.n;
    while (from > 0 && !strchr(" .", message.p[from - 1]))
        from--;
    struct str word = str_sub(message, from, message.n);
    if (str_starts(word, STR("\"")))
        word = str_sub(word, 1, word.n - 2);
    const struct token *tokens = lex_all(g, sql, 0, sql.n, &n);
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(token_name(g, &tokens[i]), word))
            return tokens[i].at;
    return 0;
}

void report_sqlite(struct gen *g, const struct source *s, struct str sql, size_t at)
{
    struct str message = gen_copy(g, str_from(sqlite3_errmsg(g->db)));
    int offset = sqlite3_error_offset(g->db);
    size_t in_sql = offset >= 0 ? (size_t)offset : search_token(g, sql, message);
    report_at(g, s, at + in_sql, "%s", message.p);
}
