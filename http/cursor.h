/*
 * Cursors: where a listing goes on, given to the client and taken back.
 *
 * A cursor is the position with a keyed hash over it, the tenant, the route
 * and the query it belongs to; a changed one, or one of another tenant or
 * query, is refused. Pure; any thread.
 */
#ifndef ROWHOUSE_HTTP_CURSOR_H
#define ROWHOUSE_HTTP_CURSOR_H

#include "base/buf.h"
#include "base/err.h"

enum { CURSOR_POSITION_MAX = 512 };

struct cursor_scope {
    const uint8_t *secret; /* 32 bytes */
    struct str tenant, route, binding;
};

/* The cursor in the arena, base64url. {NULL, 0} where memory is out or the
 * position is too long. */
struct str cursor_make(const struct cursor_scope *scope, struct str position, struct arena *arena);

/* ERR_MALFORMED where it is forged or foreign; ERR_NOMEM. */
int cursor_read(const struct cursor_scope *scope, struct str cursor, struct arena *arena,
                struct str *ret_position, struct err *e);

#endif
