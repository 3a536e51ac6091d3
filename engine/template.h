/*
 * The prepared image that new tenants are made from.
 *
 * An in-memory database gets every migration once; for each tenant the
 * application's on_create fills it inside a transaction that is read out and
 * rolled back. What comes out is a whole database file, in WAL mode, that no
 * DDL has to touch any more.
 */
#ifndef ROWHOUSE_ENGINE_TEMPLATE_H
#define ROWHOUSE_ENGINE_TEMPLATE_H

#include "engine/engine.h"

struct template;

/* "ROWH" in the header of each tenant's file. */
enum { TENANT_APPLICATION_ID = 0x524f5748 };

int template_open(const struct engine_app *app, struct template **ret, struct err *e);
void template_close(struct template *t);

/* The bytes of a new tenant's file, freed with sqlite3_free(). Any thread. */
int template_make(struct template *t, const struct tenant_name *tenant, unsigned char **ret,
                  size_t *ret_n, struct err *e);

#endif
