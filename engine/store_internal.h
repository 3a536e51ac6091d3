/*
 * What the parts of the store share: store.c (folder, names, server lock),
 * store_lock.c (the lock for making and removing files), store_create.c,
 * store_delete.c, store_conn.c (connections of commands), store_tenant.c
 * (one tenant's facts, migration), check.c, export.c.
 */
#ifndef ROWHOUSE_ENGINE_STORE_INTERNAL_H
#define ROWHOUSE_ENGINE_STORE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/conn.h"
#include "engine/store.h"
#include "engine/store_lock.h"
#include "engine/template.h"

enum { STORE_PATH_BYTES = 4096, STORE_FILE_BYTES = TENANT_NAME_MAX + 16, STORE_BUSY_MS = 5000 };

/* Begins the name of a file that is being made; one that was left behind is
 * removed under the server's lock. */
#define STORE_TEMP_PREFIX ".rowhouse-new-"

struct store {
    char path[STORE_PATH_BYTES]; /* absolute */
    const struct engine_app *app;
    int dir;    /* descriptor of the folder */
    int server; /* descriptor of the server's lock, or -1 */
    _Atomic unsigned temp_count;
    pthread_mutex_t template_lock; /* guards making `template` */
    struct template *template;     /* made on first use */
};

/* The files of a tenant; the database is the first. */
enum { STORE_SIBLINGS = 4 };
extern const char *const store_endings[STORE_SIBLINGS]; /* ".db", ".db-wal" ... */

/* "acme.db-wal" into out. */
void store_file_name(const struct tenant_name *t, const char *ending, char out[STORE_FILE_BYTES]);

/* Removes -wal, -shm and -journal; the database must be gone, and the lock
 * exclusive. */
int store_unlink_siblings(struct store *s, const struct tenant_name *t, struct err *e);

/* Renames within a folder and never replaces anything: -1 and EEXIST. */
int store_rename_new(int dir, const char *from, const char *to);

int store_sync_folder(struct store *s, struct err *e);

/*
 * A connection of a command or a short read: opened under the lock up to its
 * first read. Where nobody has the tenant open it leaves no -wal and -shm
 * behind; nothing may be written through one that was asked for to read.
 */
struct store_conn {
    struct reader reader;
    bool tidy; /* it was the first one: SQLite may remove -wal and -shm */
};

int store_conn_open(struct store *s, const struct tenant_name *t, enum conn_mode mode,
                    struct store_conn *ret, struct err *e);
void store_conn_close(struct store *s, struct store_conn *c);

/* Runs one statement without parameters or rows to read. */
int store_exec(struct conn *c, const char *sql, const char *what, struct err *e);

#endif
