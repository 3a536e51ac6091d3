/*
 * The key that authenticates paging cursors: SECRET_KEY, or a random one kept
 * in the folder of the databases, so that a cursor outlives a restart.
 */
#ifndef ROWHOUSE_SECRET_H
#define ROWHOUSE_SECRET_H

#include "base/err.h"
#include "base/str.h"

enum { SECRET_BYTES = 32 };

/* `configured` may be NULL. The file is made readable for its owner only; two
 * processes that make it at once end with the same key. */
int secret_load(const char *configured, const char *folder, uint8_t ret[SECRET_BYTES],
                struct err *e);

#endif
