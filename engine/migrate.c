/*
 * Migrations: comparing what a database has with what the program brings, and
 * applying the rest.
 *
 * The list of what was applied is one query. A migration, its row in
 * rowhouse_migration and the version in the file's header are one transaction,
 * so a crash at any instant leaves a database at some version, never between
 * two. An empty file gets all of them and its first rows in one transaction. The list is read again
 * inside that transaction: two processes that migrate the same tenant apply each migration once.
 *
 * Foreign keys are not enforced while a migration runs (a table may have to be
 * rebuilt, https://sqlite.org/lang_altertable.html, section 7) but checked
 * before its commit. An authorizer keeps a migration from ending its own
 * transaction, attaching files and changing settings.
 *
 * A connection belongs to one thread; nothing else is shared.
 */
#include "engine/migrate.h"

#include "engine/conn.h"
#include "engine/template.h"
#include "engine/tx.h"
#include "engine_sql.h"
#include <stdio.h>
#include <stdlib.h>

enum { ENGINE, APP, COMPONENTS };

struct component {
    const char *name; /* in rowhouse_migration */
    const struct migration *list;
    unsigned n;
};

struct plan {
    struct component components[COMPONENTS];
    unsigned applied[COMPONENTS];
    bool fresh; /* nothing of ours was ever applied */
};

_Static_assert(sizeof(struct reader) == sizeof(struct conn) &&
                   sizeof(struct write_tx) == sizeof(struct conn),
               "a connection is all that a reader and a write_tx have");

static struct reader *as_reader(struct conn *c)
{
    return (struct reader *)(void *)c;
}

static struct write_tx *as_tx(struct conn *c)
{
    return (struct write_tx *)(void *)c;
}

static void plan_begin(const struct engine_app *app, struct plan *p)
{
    *p = (struct plan){.components = {
                           {"engine", engine_migrations, (unsigned)engine_migrations_count},
                           {"app", app->migrations, app->migration_count},
                       }};
}

static unsigned plan_pending(const struct plan *p)
{
    unsigned n = 0;
    for (int i = 0; i < COMPONENTS; i++)
        n += p->components[i].n - p->applied[i];
    return n;
}

/* One migration that was applied, against the one the program has. */
static int compare(struct plan *p, const struct migration_applied_row *row, struct err *e)
{
    int which = str_eq(row->component, STR("engine")) ? ENGINE : APP;
    const struct component *c = &p->components[which];
    if (!str_eq(row->component, str_from(c->name)))
        return err_set(e, ERR_NEWER,
                       "the database has migrations of a part '%.*s' that this program lacks",
                       STR_ARG(row->component));
    if (row->version > c->n)
        return err_set(e, ERR_NEWER,
                       "the database has migration %.*s of '%s'; this program knows %u: "
                       "use a newer program",
                       STR_ARG(row->name), c->name, c->n);
    unsigned next = p->applied[which] + 1;
    if (row->version != next)
        return err_set(e, ERR_CORRUPT,
                       "migration %u of '%s' is missing from the database, though %lld was applied",
                       next, c->name, (long long)row->version);
    if (!str_eq(row->hash, str_from(c->list[next - 1].hash)))
        return err_set(e, ERR_ALTERED,
                       "migration %s of '%s' was changed after it was applied: put the old text "
                       "back and add a new migration",
                       c->list[next - 1].name, c->name);
    p->applied[which] = next;
    return 0;
}

static int take_int(void *ret, int n, char **values, char **names)
{
    (void)names;
    if (n == 1 && values[0])
        *(long long *)ret = strtoll(values[0], NULL, 10);
    return 0;
}

static int run(struct conn *c, const char *sql, struct err *e)
{
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : sql_error(c->db, rc, "cannot migrate", e);
}

static int ask(struct conn *c, const char *sql, long long *ret, struct err *e)
{
    int rc = sqlite3_exec(c->db, sql, take_int, ret, NULL);
    return rc == SQLITE_OK ? 0 : sql_error(c->db, rc, "cannot read the schema", e);
}

/* The header may be newer than the list, where another program wrote it. */
static int compare_header(struct conn *c, const struct plan *p, struct err *e)
{
    long long version = 0;
    int rc = ask(c, "PRAGMA user_version", &version, e);
    if (!rc && version > p->components[APP].n)
        rc = err_set(e, ERR_NEWER,
                     "the database has version %lld; this program knows %u: use a newer program",
                     version, p->components[APP].n);
    return rc;
}

/* A file without our table: empty, or somebody else's, which its header tells,
 * or a migration that meets their tables. */
static int refuse_foreign(struct conn *c, const struct plan *p, struct err *e)
{
    long long owner = 0, version = 0;
    int rc = ask(c, "PRAGMA application_id", &owner, e);
    if (!rc)
        rc = ask(c, "PRAGMA user_version", &version, e);
    if (rc)
        return rc;
    if (owner && owner != TENANT_APPLICATION_ID)
        return err_set(e, ERR_UNUSABLE,
                       "the file belongs to another program (application_id 0x%08llx)",
                       (unsigned long long)owner & 0xffffffffu);
    if (version)
        return err_set(e, version > p->components[APP].n ? ERR_NEWER : ERR_UNUSABLE,
                       "the database has version %lld, but no list of migrations: it is not ours",
                       version);
    return 0;
}

static int find_fresh(struct conn *c, struct plan *p, struct err *e)
{
    long long tables = 0;
    int rc =
        ask(c, "SELECT count(*) FROM sqlite_schema WHERE name = 'rowhouse_migration'", &tables, e);
    if (!rc && !tables)
        rc = refuse_foreign(c, p, e);
    if (!rc)
        p->fresh = !tables;
    return rc;
}

static int read_applied(struct conn *c, struct plan *p, struct err *e)
{
    struct migration_applied_args args = {0};
    for (int i = 0; i < COMPONENTS; i++) {
        args.bound += p->components[i].n;
        p->applied[i] = 0;
    }
    args.bound++; /* one more than is known is one that is newer */

    struct migration_applied_iter it;
    struct migration_applied_row row;
    int rc = migration_applied_begin(as_reader(c), &args, &it, e);
    while (!rc && (rc = migration_applied_next(&it, &row, e)) > 0)
        rc = compare(p, &row, e);
    migration_applied_end(&it);
    return rc;
}

/* For a database where the table cannot be read: perhaps only because it is
 * not there yet. Another process may be making it, so all is of one snapshot. */
static int plan_read_slowly(struct conn *c, struct plan *p, struct err *e)
{
    bool own = sqlite3_get_autocommit(c->db) != 0;
    int rc = own ? run(c, "BEGIN", e) : 0;
    if (rc)
        return rc;
    rc = find_fresh(c, p, e);
    if (!rc && !p->fresh)
        rc = read_applied(c, p, e);
    if (!rc && !p->fresh)
        rc = compare_header(c, p, e);
    if (own)
        (void)run(c, "ROLLBACK", NULL);
    return rc;
}

static int plan_read(struct conn *c, struct plan *p, struct err *e)
{
    struct err why = ERR_INIT;
    int rc = read_applied(c, p, &why);
    if (rc == ERR_CORRUPT)
        return plan_read_slowly(c, p, e);
    return rc ? err_set(e, why.code, "%s", why.text) : compare_header(c, p, e);
}

int migrate_look(struct reader *r, const struct engine_app *app, struct migrate_result *ret,
                 struct err *e)
{
    struct plan p;
    plan_begin(app, &p);
    int rc = plan_read(&r->conn, &p, e);
    if (!rc)
        *ret = (struct migrate_result){p.applied[APP], app->migration_count, plan_pending(&p) > 0};
    return rc;
}

int migrate_verify(struct reader *r, const struct engine_app *app, unsigned *ret_pending,
                   struct err *e)
{
    struct plan p;
    plan_begin(app, &p);
    int rc = plan_read(&r->conn, &p, e);
    if (!rc)
        *ret_pending = plan_pending(&p);
    return rc;
}

static int authorize(void *ctx, int action, const char *a, const char *b, const char *schema,
                     const char *inner)
{
    (void)ctx, (void)a, (void)b, (void)schema, (void)inner;
    switch (action) {
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_PRAGMA:
        return SQLITE_DENY;
    default:
        return SQLITE_OK;
    }
}

/* What failed is the migration, unless the machine is at fault. */
static int migration_error(struct conn *c, int sqlite_rc, const struct migration *m, struct err *e)
{
    struct err why = ERR_INIT;
    int rc = sql_error(c->db, sqlite_rc, m->name, &why);
    bool machine = rc == ERR_BUSY || rc == ERR_IO || rc == ERR_DISK_FULL || rc == ERR_READ_ONLY ||
                   rc == ERR_NOMEM || rc == ERR_CORRUPT;
    return err_set(e, machine ? (enum err_code)rc : ERR_UNUSABLE, "migration %s", why.text);
}

static int check_foreign_keys(struct conn *c, const struct migration *m, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(c->db, "PRAGMA foreign_key_check", -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    int result = rc == SQLITE_DONE ? 0 : migration_error(c, rc, m, e);
    if (rc == SQLITE_ROW)
        result = err_set(e, ERR_UNUSABLE,
                         "migration %s leaves rows in '%s' whose foreign key leads nowhere",
                         m->name, (const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    return result;
}

/* The version in the header is that of the application. */
static int mark_header(struct conn *c, int which, const struct migration *m, struct err *e)
{
    char sql[128];
    if (which == APP)
        snprintf(sql, sizeof sql, "PRAGMA user_version = %u", m->version);
    else
        snprintf(sql, sizeof sql, "PRAGMA application_id = %d", TENANT_APPLICATION_ID);
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : migration_error(c, rc, m, e);
}

static int note(struct conn *c, const char *component, const struct migration *m, struct err *e)
{
    char now[RFC3339_BYTES];
    struct migration_note_args args = {.component = str_from(component),
                                       .version = m->version,
                                       .name = str_from(m->name),
                                       .hash = str_from(m->hash),
                                       .applied_at = rfc3339_format(clock_real_ns(), now)};
    return migration_note(as_tx(c), &args, NULL, e);
}

static int run_in_transaction(struct conn *c, int which, const char *component,
                              const struct migration *m, struct err *e)
{
    sqlite3_set_authorizer(c->db, authorize, NULL);
    int sq = sqlite3_exec(c->db, m->sql, NULL, NULL, NULL);
    sqlite3_set_authorizer(c->db, NULL, NULL);
    int rc = sq == SQLITE_OK ? mark_header(c, which, m, e) : migration_error(c, sq, m, e);
    conn_authorize(c);
    if (!rc)
        rc = check_foreign_keys(c, m, e);
    return rc ? rc : note(c, component, m, e);
}

/* The rows that a tenant begins with, where the file is a tenant's: one that
 * somebody put there empty. */
static int create_rows(struct conn *c, const struct engine_app *app, struct err *e)
{
    const char *path = sqlite3_db_filename(c->db, "main");
    const char *slash = path ? strrchr(path, '/') : NULL;
    struct tenant_name tenant;
    if (!app->on_create || !slash || !tenant_name_of_file(str_from(slash + 1), &tenant))
        return 0;
    struct uuid_gen ids = {0};
    struct tx_context cx = {.tx = {{*c}}, .ids = &ids};
    rfc3339_format(clock_real_ns(), cx.now);
    int rc = app->on_create(&cx.tx, &tenant, e);
    *c = cx.tx.reader.conn; /* with the statements that were prepared */
    return rc;
}

/* The next migration; in a fresh database all of them, and the first rows, so
 * that it is a whole tenant or still empty. */
static int apply_pending(struct conn *c, const struct engine_app *app, struct plan *p,
                         struct err *e)
{
    int rc;
    do {
        int which = p->applied[ENGINE] < p->components[ENGINE].n ? ENGINE : APP;
        const struct component *part = &p->components[which];
        rc = run_in_transaction(c, which, part->name, &part->list[p->applied[which]], e);
        p->applied[which]++;
    } while (!rc && p->fresh && plan_pending(p));
    return !rc && p->fresh ? create_rows(c, app, e) : rc;
}

/* One transaction. *ret_done: nothing is pending (any more). */
static int apply_next(struct conn *c, const struct engine_app *app, bool *ret_done, struct err *e)
{
    struct plan p;
    plan_begin(app, &p);
    int rc = run(c, "BEGIN IMMEDIATE", e);
    if (rc)
        return rc;
    rc = plan_read(c, &p, e);
    bool done = !rc && plan_pending(&p) == 0;
    if (!rc && !done)
        rc = apply_pending(c, app, &p, e);
    if (!rc && !done)
        rc = run(c, "COMMIT", e);
    if (!sqlite3_get_autocommit(c->db))
        (void)run(c, "ROLLBACK", NULL);
    if (!rc)
        *ret_done = done;
    return rc;
}

int migrate_apply(struct conn *c, const struct engine_app *app, struct migrate_result *ret,
                  struct err *e)
{
    struct migrate_result result;
    int rc = migrate_look(as_reader(c), app, &result, e);
    if (rc)
        return rc;
    int enforced = 0;
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_FKEY, -1, &enforced);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_FKEY, 0, (int *)NULL);
    bool done = !result.changed;
    while (!rc && !done)
        rc = apply_next(c, app, &done, e);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_FKEY, enforced, (int *)NULL);
    if (!rc)
        *ret = result;
    return rc;
}
