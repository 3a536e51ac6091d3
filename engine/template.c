/*
 * Making the image of a new tenant.
 *
 * One in-memory connection lives as long as the template, with the
 * application's statements prepared; its mutex is held for some 50 us per
 * tenant. Serializing inside the open transaction reads the pages as on_create
 * left them; rolling back makes the template clean again.
 */
#include "engine/template.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/fault.h"
#include "engine/conn.h"
#include "engine/migrate.h"
#include "engine/tx.h"

struct template
{
    pthread_mutex_t lock; /* guards all below */
    const struct engine_app *app;
    struct tx_context tx; /* owns the connection */
};

/* Offsets in the header of a database file: https://sqlite.org/fileformat.html, 1.3 */
enum { HEADER_WRITE_VERSION = 18, HEADER_READ_VERSION = 19, VERSION_WAL = 2, HEADER_BYTES = 100 };

static int exec(sqlite3 *db, const char *sql, struct err *e)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : sql_error(db, rc, "cannot prepare new tenants", e);
}

static int open_memory(struct conn *c, struct err *e)
{
    conn_global_init();
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(":memory:", &c->db, flags, NULL);
    if (rc != SQLITE_OK)
        return sql_error(c->db, rc, "cannot prepare new tenants", e);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
    return exec(c->db,
                "PRAGMA page_size = 4096; PRAGMA encoding = 'UTF-8'; PRAGMA auto_vacuum = 0;"
                "PRAGMA foreign_keys = 1",
                e);
}

int template_open(const struct engine_app *app, struct template **ret, struct err *e)
{
    struct template *t = fault_calloc(1, sizeof *t);
    if (!t)
        return err_set(e, ERR_NOMEM, "out of memory");
    pthread_mutex_init(&t->lock, NULL);
    t->app = app;
    struct migrate_result done;
    int rc = open_memory(&t->tx.tx.reader.conn, e);
    if (!rc)
        rc = migrate_apply(&t->tx.tx.reader.conn, app, &done, e);
    if (rc) {
        template_close(t);
        return rc;
    }
    *ret = t;
    return 0;
}

void template_close(struct template *t)
{
    if (!t)
        return;
    conn_close(&t->tx.tx.reader.conn);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static int serialize(sqlite3 *db, unsigned char **ret, size_t *ret_n, struct err *e)
{
    sqlite3_int64 n = 0;
    unsigned char *image = sqlite3_serialize(db, "main", &n, 0);
    if (!image || n < HEADER_BYTES) {
        sqlite3_free(image);
        return err_set(e, ERR_NOMEM, "out of memory");
    }
    image[HEADER_WRITE_VERSION] = image[HEADER_READ_VERSION] = VERSION_WAL;
    *ret = image;
    *ret_n = (size_t)n;
    return 0;
}

static int make_locked(struct template *t, const struct tenant_name *tenant, unsigned char **ret,
                       size_t *ret_n, struct err *e)
{
    struct uuid_gen ids = {0};
    t->tx.ids = &ids;
    rfc3339_format(clock_real_ns(), t->tx.now);
    sqlite3 *db = t->tx.tx.reader.conn.db;
    /* A transaction is left over where memory was out for undoing it. */
    int rc = sqlite3_get_autocommit(db) ? 0 : exec(db, "ROLLBACK", e);
    if (!rc)
        rc = exec(db, "BEGIN", e);
    if (rc)
        return rc;
    if (t->app->on_create)
        rc = t->app->on_create(&t->tx.tx, tenant, e);
    if (!rc)
        rc = serialize(db, ret, ret_n, e);
    int undone = exec(db, "ROLLBACK", rc ? NULL : e);
    if (!rc && undone) {
        sqlite3_free(*ret);
        *ret = NULL;
    }
    return rc ? rc : undone;
}

int template_make(struct template *t, const struct tenant_name *tenant, unsigned char **ret,
                  size_t *ret_n, struct err *e)
{
    unsigned char *image = NULL;
    size_t n = 0;
    pthread_mutex_lock(&t->lock);
    int rc = make_locked(t, tenant, &image, &n, e);
    pthread_mutex_unlock(&t->lock);
    if (!rc) {
        *ret = image;
        *ret_n = n;
    }
    return rc;
}
