/*
 * Migrations: read, applied, kept for embedding.
 *
 * A folder holds NNNN_name.sql, versions 1, 2, 3 without a gap, and nothing
 * else (names that begin with a dot are ignored). Each file is applied
 * statement by statement to the database in memory, inside a transaction as
 * the engine will do it; so a migration may not end or begin one itself. A
 * table that is not STRICT would take text into an integer column and make
 * every typed row a guess: it is refused.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "gen/sqlgen/sqlgen.h"

enum { HASH_BYTES = 32, VERSION_DIGITS = 4 };

/* Without SQLite's old habit of reading "an unknown name" as a string. */
bool schema_open(struct gen *g)
{
    return sqlite3_open(":memory:", &g->db) == SQLITE_OK &&
           sqlite3_db_config(g->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL) == SQLITE_OK &&
           sqlite3_db_config(g->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL) == SQLITE_OK;
}

static bool name_of_migration(const char *name)
{
    size_t n = strlen(name);
    if (n < VERSION_DIGITS + sizeof "_x.sql" - 1 || name[VERSION_DIGITS] != '_' ||
        strcmp(name + n - 4, ".sql") != 0)
        return false;
    for (size_t i = 0; i < VERSION_DIGITS; i++)
        if (!isdigit((unsigned char)name[i]))
            return false;
    for (size_t i = VERSION_DIGITS; i < n - 4; i++)
        if (!islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) && name[i] != '_')
            return false;
    return true;
}

static int visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static void hash_of(struct str text, char out[2 * HASH_BYTES + 1])
{
    unsigned char hash[HASH_BYTES];
    crypto_generichash(hash, sizeof hash, (const unsigned char *)text.p, text.n, NULL, 0);
    sodium_bin2hex(out, 2 * HASH_BYTES + 1, hash, sizeof hash);
}

static const char *not_in_a_migration(const struct token *t)
{
    static const char *const words[] = {"BEGIN",   "COMMIT", "END",    "ROLLBACK", "SAVEPOINT",
                                        "RELEASE", "ATTACH", "DETACH", "VACUUM",   "PRAGMA"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (token_is(t, words[i]))
            return words[i];
    return NULL;
}

/* The name of a table that is not STRICT; NULL where all are. */
static const char *loose_table(struct gen *g)
{
    static const char sql[] = "SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT "
                              "strict AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    sqlite3_stmt *st;
    const char *name = NULL;
    if (sqlite3_prepare_v2(g->db, sql, -1, &st, NULL))
        abort();
    if (sqlite3_step(st) == SQLITE_ROW)
        name = gen_copy(g, str_from((const char *)sqlite3_column_text(st, 0))).p;
    sqlite3_finalize(st);
    return name;
}

/* Runs the statement that begins at *at and moves *at behind it. */
static bool apply_statement(struct gen *g, const struct source *s, const struct token *first,
                            size_t *at)
{
    const char *word = not_in_a_migration(first);
    if (word) {
        report_at(g, s, first->at, "%s does not belong into a migration", word);
        return false;
    }
    struct str rest = str_sub(s->text, first->at, s->text.n);
    const char *tail;
    sqlite3_stmt *st;
    int rc = sqlite3_prepare_v2(g->db, rest.p, (int)rest.n, &st, &tail);
    if (rc == SQLITE_OK) {
        *at = (size_t)(tail - s->text.p);
        while ((rc = sqlite3_step(st)) == SQLITE_ROW)
            continue;
    }
    if (rc != SQLITE_DONE)
        report_sqlite(g, s, rest, first->at);
    sqlite3_finalize(st);
    if (rc != SQLITE_DONE)
        return false;
    const char *loose = loose_table(g);
    if (loose)
        report_at(g, s, first->at,
                  "table '%s' is not STRICT: end CREATE TABLE with `) STRICT`, or its columns "
                  "take values of any type",
                  loose);
    return !loose;
}

static void apply_file(struct gen *g, const struct source *s)
{
    sqlite3_exec(g->db, "BEGIN", NULL, NULL, NULL);
    bool good = true;
    for (size_t at = 0; good;) {
        size_t end;
        struct token t = lex_next(s->text, at, &end);
        if (t.kind == TOKEN_END)
            break;
        at = end;
        if (t.kind == TOKEN_BAD) {
            report_at(g, s, t.at, "this string, name or comment never ends");
            good = false;
        } else if (t.kind != TOKEN_COMMENT && t.kind != TOKEN_SEMI) {
            good = apply_statement(g, s, &t, &at);
        }
    }
    if (good && sqlite3_exec(g->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        report_file(g, s->path, "%s", sqlite3_errmsg(g->db));
}

static void keep(struct gen *g, const struct source *s, const char *name, unsigned version)
{
    struct migration_file *m = gen_alloc(g, sizeof *m);
    m->source = s;
    m->name = gen_copy(g, str_make(name, strlen(name) - 4));
    m->version = version;
    hash_of(s->text, m->hash);
    *g->migrations_end = m;
    g->migrations_end = &m->next;
}

static void take_file(struct gen *g, const char *folder, const char *name, unsigned version,
                      bool own)
{
    const char *path = arena_printf(&g->arena, "%s/%s", folder, name).p;
    if (!path)
        abort();
    if (!name_of_migration(name)) {
        report_file(g, path, "is no migration: NNNN_name.sql with a-z, 0-9 and _ is expected");
        return;
    }
    if (strtoul(name, NULL, 10) != version) {
        report_file(g, path, "version %04u is expected here: 1, 2, 3, ... without a gap", version);
        return;
    }
    const struct source *s = gen_read(g, path);
    if (!s)
        return;
    apply_file(g, s);
    if (own)
        keep(g, s, name, version);
}

void schema_apply(struct gen *g, const char *folder, bool own)
{
    struct dirent **names;
    gen_input(g, folder);
    int n = scandir(folder, &names, visible, alphasort);
    if (n < 0) {
        report_file(g, folder, "cannot be read: %s", strerror(errno));
        return;
    }
    if (n == 0)
        report_file(g, folder, "holds no migration");
    unsigned before = g->errors;
    for (int i = 0; i < n; i++) {
        if (g->errors == before)
            take_file(g, folder, names[i]->d_name, (unsigned)i + 1, own);
        free(names[i]);
    }
    free(names);
}
