/*
 * Time. Deadlines use the monotonic clock; what is stored or shown is RFC 3339
 * in UTC from the real-time clock. Any thread.
 */
#ifndef ROWHOUSE_BASE_CLOCK_H
#define ROWHOUSE_BASE_CLOCK_H

#include "base/str.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

int64_t clock_mono_ns(void);
int64_t clock_real_ns(void); /* since 1970-01-01 UTC */

/* "2026-11-23T22:31:16.123Z" and its NUL. */
enum { RFC3339_BYTES = 25 };

/* Source: RFC 3339, section 5.6. Milliseconds, always 'Z'. */
struct str rfc3339_format(int64_t real_ns, char out[RFC3339_BYTES]);

/* Accepts any RFC 3339 time with an offset. False where it is not one. */
bool rfc3339_parse(struct str s, int64_t *ret_real_ns);

#endif
