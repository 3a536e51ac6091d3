/*
 * A small JSON writer (RFC 8259) that appends to a buffer.
 *
 * Commas are put in by the writer. Nothing checks the nesting: the callers
 * are ours, and tests parse what they write. Strings must be valid UTF-8;
 * a byte that is not becomes U+FFFD, so that no answer is ever malformed.
 *
 * No name here may be one of jansson's: the program's symbols would take the
 * place of those that the library itself calls.
 */
#ifndef ROWHOUSE_BASE_JSON_H
#define ROWHOUSE_BASE_JSON_H

#include "base/buf.h"

struct json {
    struct buf *b;
    bool comma; /* a comma is due before the next value */
};

static inline struct json json_to(struct buf *b)
{
    return (struct json){b, false};
}

void json_object_begin(struct json *j);
void json_object_end(struct json *j);
void json_array_begin(struct json *j);
void json_array_end(struct json *j);

/* A key of the program's own: must need no escaping. */
void json_key_(struct json *j, struct str key);
#define json_key(j, lit) json_key_((j), STR(lit))

void json_str(struct json *j, struct str s);
void json_optstr(struct json *j, struct optstr s); /* none: null */
void json_i64(struct json *j, int64_t v);
void json_u64(struct json *j, uint64_t v);
void json_double(struct json *j, double v); /* not finite: null */
void json_bool(struct json *j, bool v);
void json_none(struct json *j);

/* Appends s as it is: it must be one JSON value. */
void json_raw(struct json *j, struct str s);

#endif
