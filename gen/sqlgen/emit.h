/*
 * Shared by the emitters of the header and of the source. One thread.
 */
#ifndef ROWHOUSE_GEN_SQLGEN_EMIT_H
#define ROWHOUSE_GEN_SQLGEN_EMIT_H

#include "gen/sqlgen/sqlgen.h"

enum emit_function { EMIT_ONE, EMIT_EXEC, EMIT_BEGIN, EMIT_NEXT, EMIT_END, EMIT_ALL };

const char *emit_c_type(enum sql_type type, bool nullable);
/* Whether values are borrowed bytes that a copy must keep. */
bool emit_is_bytes(enum sql_type type);

/* The inside of a C string. */
void emit_bytes(struct buf *out, struct str s);
/* C strings, one for each line of s. */
void emit_literal(struct buf *out, struct str s, const char *indent);
/* Text inside a C comment whose lines begin with " * ". */
void emit_comment(struct buf *out, struct str text);
void emit_upper(struct buf *out, const char *name);
const char *emit_base_name(const char *path);

/* The declaration without `;`. */
void emit_signature(struct buf *out, const struct query *q, enum emit_function f);
/* The iterator of a :many query. */
void emit_iter(struct buf *out, const struct query *q);

#endif
