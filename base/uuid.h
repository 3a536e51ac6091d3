/*
 * UUID version 7 (RFC 9562, section 5.7), monotonic.
 *
 * Bytes 0-5 are Unix milliseconds, then 12 bits of a counter (section 6.2,
 * method 1, seeded with random bits each millisecond), the rest is random
 * (libsodium). A generator never hands out an id that is not above the last
 * one, also when the clock steps back; uuid_v7_seen() carries that over a
 * restart.
 */
#ifndef ROWHOUSE_BASE_UUID_H
#define ROWHOUSE_BASE_UUID_H

#include "base/str.h"

enum { UUID_TEXT_BYTES = 37 }; /* 36 characters and a NUL */

/* One per tenant writer; not for two threads at once. */
struct uuid_gen {
    uint64_t last_ms;
    uint16_t counter; /* 12 bits */
};

/* The next id, in lower case with hyphens, NUL-terminated. */
struct str uuid_v7(struct uuid_gen *g, char out[UUID_TEXT_BYTES]);

/* Tells the generator of an id that exists: later ids will be above it. */
void uuid_v7_seen(struct uuid_gen *g, struct str id);

/* True for 8-4-4-4-12 hex digits in lower case. */
bool uuid_valid(struct str s);

#endif
