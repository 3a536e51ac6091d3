/*
 * Entity tags and the conditions on them (RFC 9110, sections 8.8.3 and 13.1).
 * Pure.
 */
#ifndef ROWHOUSE_HTTP_ETAG_H
#define ROWHOUSE_HTTP_ETAG_H

#include "http/head.h"

enum etag_match { ETAG_NO_FIELD, ETAG_NO_MATCH, ETAG_MATCH };

/* Looks `etag` (with its quotes; "" where there is no representation) up in
 * the lists of the fields `name`. `*` matches whatever exists. With `weak`, a
 * weak tag equals a strong one; without, it equals none. */
enum etag_match etag_compare(const struct head *h, struct str name, struct str etag, bool weak);

#endif
