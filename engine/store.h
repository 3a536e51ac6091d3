/*
 * The folder of databases: names, files and locks, without any thread. What a
 * command and the server share.
 *
 * `{path}/{tenant}.db`, flat. Two locks (flock) keep processes apart:
 * `.rowhouse.lock` is held by the one server of the folder, `.rowhouse.ddl` is
 * taken shared to create or close a tenant's files and exclusively to delete
 * them, so that no file is ever unlinked by name while somebody makes it.
 */
#ifndef ROWHOUSE_ENGINE_STORE_H
#define ROWHOUSE_ENGINE_STORE_H

#include "engine/engine.h"

struct store;

/* Opens (and makes, where `make` is set) the folder. Any thread may use it. */
int store_open(const char *path, bool make, const struct engine_app *app, struct store **ret,
               struct err *e);
void store_close(struct store *s);

const char *store_path(const struct store *s);

/* The absolute path of a tenant's database into out. */
void store_file(const struct store *s, const struct tenant_name *t, char out[4096]);

/* The lock of the one server. ERR_EXISTS where another process has it and
 * `wait` is false; says its process id. */
int store_lock_server(struct store *s, bool wait, struct err *e);

/* Calls `each` for every tenant in the folder, in no order, until it returns
 * something else than 0, which is then returned. */
int store_each(struct store *s, int (*each)(void *ctx, const struct tenant_name *t), void *ctx,
               struct err *e);

/* Makes a tenant's database complete and at once: a file that exists has its
 * schema. ERR_EXISTS. Durable when it returns. */
int store_create(struct store *s, const struct tenant_name *t, struct err *e);

/* As store_create(), for one who will flush the folder: the file is complete and
 * flushed, its name is durable after that. The first flush of a WAL does it. */
int store_create_unflushed(struct store *s, const struct tenant_name *t, struct err *e);

/* Removes a tenant's files, also beside a running server. ERR_NOT_FOUND. */
int store_delete(struct store *s, const struct tenant_name *t, int64_t busy_timeout_ms,
                 struct err *e);

struct migrate_result {
    unsigned from, to;
    bool changed; /* would be changed, in a dry run */
};

/* Brings one tenant's schema up to date. ERR_NEWER, ERR_ALTERED, ERR_CORRUPT. */
int store_migrate(struct store *s, const struct tenant_name *t, bool dry_run,
                  struct migrate_result *ret, struct err *e);

struct tenant_details {
    int64_t rows, file_bytes, wal_bytes;
    unsigned schema_version;
    char created_at[RFC3339_BYTES], last_activity[RFC3339_BYTES];
    char path[4096];
};

int store_show(struct store *s, const struct tenant_name *t, struct tenant_details *ret,
               struct err *e);

/* Runs integrity_check and foreign_key_check. ERR_CORRUPT where one finds
 * something; each line it says goes to `line`. */
int store_check(struct store *s, const struct tenant_name *t,
                void (*line)(void *ctx, struct str text), void *ctx, struct err *e);

/* Writes one consistent SQLite file, whole or not at all (a temporary name,
 * flushed, then renamed), outside of the store's folder. `file` "-" is standard
 * output. ERR_EXISTS where the file exists and `replace` is false. */
int store_export(struct store *s, const struct tenant_name *t, const char *file, bool replace,
                 struct err *e);

#endif
