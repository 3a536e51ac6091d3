/*
 * The catalog: the names of all tenants in order, in memory.
 *
 * An in-memory SQLite table is the index (a B-tree that is written already),
 * guarded by one mutex; each operation takes microseconds whatever the number
 * of tenants. A thread watches the folder (inotify), so that tenants which
 * commands or people add and remove appear too. Any thread.
 */
#ifndef ROWHOUSE_ENGINE_CATALOG_H
#define ROWHOUSE_ENGINE_CATALOG_H

#include "engine/store.h"

struct catalog;

/* Reads the folder and starts the watching thread. */
int catalog_open(struct store *s, struct catalog **ret, struct err *e);
void catalog_close(struct catalog *c);

int catalog_put(struct catalog *c, const struct tenant_name *t, struct err *e);
int catalog_remove(struct catalog *c, const struct tenant_name *t, struct err *e);
bool catalog_contains(struct catalog *c, const struct tenant_name *t);
int64_t catalog_size(struct catalog *c);
int catalog_range(struct catalog *c, struct str prefix, struct str after, unsigned limit,
                  struct arena *arena, struct catalog_page *ret, struct err *e);

/* The remembered summary of a tenant with the stamp of its files; a summary
 * holds as long as the stamp (sizes, inodes and times of .db and -wal) does. */
struct file_stamp {
    uint64_t words[8];
};
bool catalog_summary_get(struct catalog *c, const struct tenant_name *t,
                         const struct file_stamp *stamp, struct tenant_summary *ret);
void catalog_summary_put(struct catalog *c, const struct tenant_name *t,
                         const struct file_stamp *stamp, const struct tenant_summary *s);

/* The summary by stamp, or by a short read of its own connection. Blocks. */
int catalog_summary(struct catalog *c, struct store *s, const struct tenant_name *t,
                    struct tenant_summary *ret, int64_t *ret_bytes, struct err *e);

#endif
