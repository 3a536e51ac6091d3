/*
 * Rules of the contract, written a second time for the fuzz targets: plainly
 * and slowly, after the specifications and not after our code. Pure.
 */
#ifndef ROWHOUSE_TEST_FUZZ_ORACLE_H
#define ROWHOUSE_TEST_FUZZ_ORACLE_H

#include "base/buf.h"

/* Whether it may name a tenant; then `folded` has the name and its NUL. */
bool oracle_tenant_name(struct str in, char folded[64]);

/* The code point at s.p[*at], moving *at behind it; -1, and one byte, where no
 * well-formed UTF-8 sequence begins there. */
int32_t oracle_utf8_next(struct str s, size_t *at);
bool oracle_utf8_valid(struct str s);

/* Appends a code point as UTF-8. */
void oracle_utf8_add(struct buf *out, uint32_t c);

/* Decodes %XX, '+' where `plus`. False where that cannot be done, or what comes
 * out is not UTF-8 or has a NUL. */
bool oracle_percent_decode(struct str in, bool plus, struct buf *out);

/* Looks a name up in application/x-www-form-urlencoded text. 1: `value` has it, 0:
 * absent, -1: twice, or not decodable. */
int oracle_form_find(struct str encoded, struct str name, struct buf *value);

/* A token of RFC 9110, section 5.6.2. */
bool oracle_token(struct str s);

/* Without spaces and tabs around it. */
struct str oracle_trim(struct str s);

bool oracle_is_digit(char c);
bool oracle_same_nocase(struct str a, struct str b);

#endif
