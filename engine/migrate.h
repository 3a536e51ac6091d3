/*
 * Migrations of one tenant's schema.
 *
 * The engine's own tables and the application's are two ordered lists, applied
 * in that order, each migration in one transaction together with its row in
 * `rowhouse_migration` (component, version, name, hash, applied_at);
 * `user_version` is the application's version. A database that is newer than
 * the program, or in which an applied migration's hash differs, is refused and
 * not touched.
 */
#ifndef ROWHOUSE_ENGINE_MIGRATE_H
#define ROWHOUSE_ENGINE_MIGRATE_H

#include "engine/store.h"

/* Compares, writes nothing. *ret_pending: how many are to be applied.
 * ERR_NEWER, ERR_ALTERED, ERR_CORRUPT. */
int migrate_verify(struct reader *r, const struct engine_app *app, unsigned *ret_pending,
                   struct err *e);

/* What migrate_apply() would do. Writes nothing; the same errors. */
int migrate_look(struct reader *r, const struct engine_app *app, struct migrate_result *ret,
                 struct err *e);

/* Applies what is pending on a writing connection with no open transaction.
 * ERR_UNUSABLE where a migration fails or the file is another program's; those
 * before it stay applied. Each commit is as durable as the connection makes
 * it: flush before relying on it. */
int migrate_apply(struct conn *c, const struct engine_app *app, struct migrate_result *ret,
                  struct err *e);

#endif
