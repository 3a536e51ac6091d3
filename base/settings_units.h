/*
 * What reading (settings.c) and printing (settings_print.c) settings share.
 */
#ifndef ROWHOUSE_BASE_SETTINGS_UNITS_H
#define ROWHOUSE_BASE_SETTINGS_UNITS_H

#include "base/settings.h"

enum { SETTING_UNITS = 4 };

struct setting_unit {
    struct str name;
    int64_t factor; /* how many of the smallest unit */
};

extern const struct setting_unit setting_duration_units[SETTING_UNITS]; /* ms */
extern const struct setting_unit setting_size_units[SETTING_UNITS];     /* bytes */

/* Appends a duration or size in the largest unit that divides it. */
void setting_quantity_add(enum setting_kind kind, int64_t v, struct buf *out);

/* Appends the names that a choice has. */
void setting_choices_add(const struct setting *s, const char *between, struct buf *out);

/* DATABASE_PATH as an option is database-path. */
static inline char setting_option_char(char c)
{
    return (char)(c == '_' ? '-' : c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

#endif
