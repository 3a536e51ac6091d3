/*
 * Percent-encoding and application/x-www-form-urlencoded, for reading.
 *
 * What comes out is valid UTF-8 without U+0000, or it is refused. Pure; the
 * results are in the caller's arena, or the input itself where nothing had to
 * be decoded.
 */
#ifndef ROWHOUSE_HTTP_FORM_H
#define ROWHOUSE_HTTP_FORM_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* Decodes %XX, and '+' as a space where `plus`. ERR_MALFORMED, ERR_NOMEM. */
int percent_decode(struct arena *a, struct str in, bool plus, struct str *ret, struct err *e);

/* Looks a name up in a query or a form body. 1: present, 0: absent,
 * ERR_MALFORMED: twice, or not decodable; ERR_NOMEM. */
int form_find(struct arena *a, struct str encoded, struct str name, struct str *ret, struct err *e);

/* Appends s with everything but unreserved characters encoded. */
void percent_encode(struct buf *out, struct str s);

#endif
