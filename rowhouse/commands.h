/*
 * The commands of the program: one file each, one entry each.
 */
#ifndef ROWHOUSE_COMMANDS_H
#define ROWHOUSE_COMMANDS_H

#include "engine/engine.h"

struct command_context {
    const char *program;          /* "rowhouse" */
    const char *database_path;    /* DATABASE_PATH */
    int64_t busy_timeout_ms;      /* BUSY_TIMEOUT */
    const struct engine_app *app; /* what the application brings */
    const struct server_settings *settings;
    const struct settings_table *table; /* the same, with names and sources */
};

struct command {
    const char *name;    /* "tenants" */
    const char *args;    /* "list|show NAME|..." for the usage line */
    const char *summary; /* one line for --help */
    /* argv[0] is the command's own name. Returns the exit status. */
    int (*run)(const struct command_context *cx, int argc, const char **argv);
};

extern const struct command command_serve;
extern const struct command command_tenants;
extern const struct command command_migrate;
extern const struct command command_config;

#endif
