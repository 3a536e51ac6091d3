/*
 * Settings: one table gives parsing, --help, the manual page and
 * `rowhouse config`.
 *
 * A program declares an array of `struct setting`, each pointing into its own
 * configuration object; a value comes from the command line, else the
 * environment, else the default. A bad value is ERR_USAGE with one clear line
 * that names the setting, the value, and what is allowed.
 */
#ifndef ROWHOUSE_BASE_SETTINGS_H
#define ROWHOUSE_BASE_SETTINGS_H

#include "base/buf.h"
#include "base/err.h"

enum setting_kind {
    SETTING_STRING,   /* char *, malloc'd, owned by the table's owner */
    SETTING_INT,      /* int64_t within min..max */
    SETTING_BOOL,     /* bool: true|false|1|0|yes|no|on|off */
    SETTING_DURATION, /* int64_t milliseconds: "500ms", "10s", "5m", "1h"; a bare number is s */
    SETTING_SIZE,     /* int64_t bytes: "1048576", "64KiB", "8MiB", "1GiB" */
    SETTING_CHOICE    /* int: index into choices */
};

struct setting {
    const char *name; /* environment variable: "DATABASE_PATH"; the option is
                         --database-path */
    enum setting_kind kind;
    void *value;                /* where the parsed value goes */
    const char *standard;       /* the default, as text; NULL: unset (strings only) */
    int64_t min, max;           /* SETTING_INT, _DURATION (ms), _SIZE (bytes) */
    const char *const *choices; /* SETTING_CHOICE, NULL-terminated */
    const char *group;          /* heading in --help and the manual page */
    const char *help;           /* one or two sentences */
    bool secret;                /* `config` prints only whether it is set */
    const char *source;         /* set by settings_load: "default", "environment", "option" */
};

/* Fills every value from the environment, else the default; an environment
 * variable that is empty counts as not set. Strings must be NULL or malloc'd
 * before. What was filled before an error must still be freed. */
int settings_load(struct setting *table, size_t n, struct err *e);

/* Whether "--port" or "port" names a setting. */
bool settings_has(struct setting *table, size_t n, struct str option);

/* Sets one by option name ("--port" or "port"), as from the command line; call
 * it after settings_load(). ERR_USAGE also where there is no such option. */
int settings_option(struct setting *table, size_t n, struct str option, struct str value,
                    struct err *e);

/* Frees the strings. */
void settings_free(struct setting *table, size_t n);

/* Appends a setting's present value as text; of a secret, "set" or "not set". */
void setting_print(const struct setting *s, struct buf *out);

/* Appends the table: for --help, for the manual page (mdoc), for `config`. */
void settings_help(const struct setting *table, size_t n, struct buf *out);
void settings_mdoc(const struct setting *table, size_t n, struct buf *out);
void settings_json(const struct setting *table, size_t n, struct buf *out);

#endif
