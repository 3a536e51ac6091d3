/*
 * Content negotiation: Accept against what a route produces, Content-Type
 * against what it consumes (RFC 9110, sections 12.5.1 and 8.3). Pure.
 */
#ifndef ROWHOUSE_HTTP_NEGOTIATE_H
#define ROWHOUSE_HTTP_NEGOTIATE_H

#include "http/head.h"

/* "application/json" and so on, with charset where text needs one. */
const char *media_type(enum media m);

/* The most wanted of `produces`; equal wishes go to the lowest bit. 0 where
 * none is acceptable. No Accept field, or none that can be read: all are. */
enum media negotiate_accept(const struct head *h, unsigned produces);

/* The type of the body; 0 where it is not one of `consumes`, has a charset
 * other than UTF-8, is given twice or not at all. */
enum media negotiate_content(const struct head *h, unsigned consumes);

/* Appends the types of a set, "a, b". */
void media_list(unsigned set, struct buf *out);

#endif
