/*
 * One tenant, for commands: its facts, its migrations. Any thread; each call
 * has a connection of its own.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "engine/migrate.h"
#include "engine/store_internal.h"

enum { WAL_RETRY_NS = 2000000 };

static int64_t file_bytes(const struct store *s, const struct tenant_name *t, const char *ending)
{
    char name[STORE_FILE_BYTES];
    struct stat st;
    store_file_name(t, ending, name);
    return fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : (int64_t)st.st_size;
}

/* The switch needs the file for itself for an instant, and SQLite does not wait
 * for that as it does for other locks. */
static int use_wal(struct conn *c, struct err *e)
{
    int64_t deadline_ns = clock_mono_ns() + STORE_BUSY_MS * NS_PER_MS;
    int rc;
    while ((rc = conn_use_wal(c, e)) == ERR_BUSY && clock_mono_ns() < deadline_ns)
        nanosleep(&(struct timespec){.tv_nsec = WAL_RETRY_NS}, NULL);
    /* The first read opens the WAL. */
    return rc ? rc : store_exec(c, "SELECT 1 FROM sqlite_schema LIMIT 1", "cannot read", e);
}

/* Applies and makes durable. A tenant that needs nothing is not written to. */
static int apply(struct store_conn *c, const struct engine_app *app, struct migrate_result *ret,
                 struct err *e)
{
    struct migrate_result result;
    int rc = migrate_apply(&c->reader.conn, app, &result, e);
    if (!rc && result.changed)
        rc = use_wal(&c->reader.conn, e);
    if (!rc && result.changed)
        rc = conn_flush(&c->reader.conn, e);
    if (!rc)
        *ret = result;
    return rc;
}

/* Says "no such tenant" where the name leads nowhere, in the words of people
 * who know tenants rather than files. */
static int open_tenant(struct store *s, const struct tenant_name *t, enum conn_mode mode,
                       struct store_conn *c, struct err *e)
{
    int rc = store_conn_open(s, t, mode, c, e);
    return rc == ERR_NOT_FOUND ? err_set(e, rc, "there is no tenant %s", t->s) : rc;
}

int store_migrate(struct store *s, const struct tenant_name *t, bool dry_run,
                  struct migrate_result *ret, struct err *e)
{
    struct store_conn c;
    int rc = open_tenant(s, t, dry_run ? CONN_READ : CONN_WRITE_AS_IS, &c, e);
    if (rc)
        return rc;
    rc = dry_run ? migrate_look(&c.reader, s->app, ret, e) : apply(&c, s->app, ret, e);
    store_conn_close(s, &c);
    return rc;
}

static int read_version(void *ret, int n, char **values, char **names)
{
    (void)names;
    if (n == 1 && values[0])
        *(unsigned *)ret = (unsigned)strtoul(values[0], NULL, 10);
    return 0;
}

/* A tenant of another version has no summary that this program could read. */
static int read_details(struct store *s, struct store_conn *c, struct tenant_details *d,
                        struct err *e)
{
    struct migrate_result state;
    int rc = migrate_look(&c->reader, s->app, &state, e);
    if (rc)
        return rc;
    int sq = sqlite3_exec(c->reader.conn.db, "PRAGMA user_version", read_version,
                          &d->schema_version, NULL);
    if (sq != SQLITE_OK)
        return sql_error(c->reader.conn.db, sq, "cannot read the version", e);
    struct tenant_summary summary = {0};
    if (s->app->summarise && !state.changed)
        rc = s->app->summarise(&c->reader, &summary, e);
    d->rows = summary.rows;
    memcpy(d->created_at, summary.created_at, sizeof d->created_at);
    memcpy(d->last_activity, summary.last_activity, sizeof d->last_activity);
    return rc;
}

int store_show(struct store *s, const struct tenant_name *t, struct tenant_details *ret,
               struct err *e)
{
    /* Sizes first: opening makes an empty -wal. */
    struct tenant_details d = {.file_bytes = file_bytes(s, t, ".db"),
                               .wal_bytes = file_bytes(s, t, ".db-wal")};
    store_file(s, t, d.path);
    struct store_conn c;
    int rc = open_tenant(s, t, CONN_READ, &c, e);
    if (rc)
        return rc;
    rc = read_details(s, &c, &d, e);
    store_conn_close(s, &c);
    if (!rc)
        *ret = d;
    return rc;
}
