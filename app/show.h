/*
 * Values as people read them. All results are in the arena; empty where memory
 * is out. Pure otherwise; any thread.
 */
#ifndef ROWHOUSE_APP_SHOW_H
#define ROWHOUSE_APP_SHOW_H

#include "app/fields.h"
#include "app/views.h"

/* An RFC 3339 time in UTC; two empty strings where it is none. */
struct moment show_moment(struct arena *arena, struct str rfc3339);

/* "23 Nov" of "2026-11-23..."; `day` has at least 10 bytes. */
struct str show_day(struct arena *arena, struct str day);

/* "12,345" */
struct str show_count(struct arena *arena, int64_t n);

/* "16 KiB" */
struct str show_bytes(struct arena *arena, int64_t n);

/* What was typed into a field, and the rule that it breaks. */
struct field_view show_field(const struct field *f);

#endif
