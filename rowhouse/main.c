/*
 * The program: picks the command, reads the settings, runs it.
 *
 *   rowhouse [--setting VALUE]... COMMAND [ARGUMENT]...
 *
 * Options that name a setting may stand before the command, and behind it for
 * `serve` and `config`; everything else is the command's own. Misuse is one
 * line on stderr and exit status 2.
 */
#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>

#include "app/app.h"
#include "base/log.h"
#include "rowhouse/commands.h"
#include "rowhouse/server_settings.h"

static const struct command *const commands[] = {&command_serve, &command_tenants, &command_migrate,
                                                 &command_config};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands, EXIT_USAGE = 2 };

static const char usage_line[] = "usage: rowhouse [--SETTING VALUE]... COMMAND [ARGUMENT]...";

static int print_help(const struct settings_table *t)
{
    struct buf out = BUF_INIT;
    buf_printf(&out, "%s\n\n", usage_line);
    buf_lit(&out, "A web application server in which every tenant has its own SQLite database.\n\n"
                  "Commands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        buf_printf(&out, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
        if (commands[i]->args[0])
            buf_printf(&out, "           %s %s\n", commands[i]->name, commands[i]->args);
    }
    buf_lit(&out, "\n  --help     this text; COMMAND --help tells of one command\n"
                  "  --version  the version\n\n"
                  "Settings, each an option and an environment variable:\n\n");
    settings_help(t->items, t->n, &out);
    buf_lit(&out, "\nSee rowhouse(1).\n");
    fwrite(out.p, 1, out.n, stdout);
    buf_free(&out);
    return 0;
}

static int misuse(const struct err *e)
{
    fprintf(stderr, "rowhouse: %s\n", e->text);
    return EXIT_USAGE;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

/* Takes `--name value` and `--name=value` at argv[*at]. 1 where it was a
 * setting, 0 where it is not one. */
static int take_option(struct settings_table *t, int argc, const char **argv, int *at,
                       struct err *e)
{
    struct str value = str_from(argv[*at]);
    struct str name = str_cut(&value, '=');
    if (!str_starts(name, STR("--")) || !settings_has(t->items, t->n, name))
        return 0;
    if (!value.p) {
        if (*at + 1 >= argc)
            return err_set(e, ERR_USAGE, "%s needs a value", argv[*at]);
        value = str_from(argv[++*at]);
    }
    (*at)++;
    int rc = settings_option(t->items, t->n, name, value, e);
    return rc < 0 ? rc : 1;
}

/* Reads leading options, then the command's name. */
static int parse_front(struct settings_table *t, int argc, const char **argv, int *at,
                       struct err *e)
{
    while (*at < argc && argv[*at][0] == '-') {
        int rc = take_option(t, argc, argv, at, e);
        if (rc < 0)
            return rc;
        if (rc == 0)
            return err_set(e, ERR_USAGE, "unknown option %s; try rowhouse --help", argv[*at]);
    }
    return 0;
}

/* Moves settings given behind the command's name out of its arguments. */
static int parse_behind(struct settings_table *t, int argc, const char **argv, int *ret_argc,
                        struct err *e)
{
    int kept = 1;
    for (int at = 1; at < argc;) {
        int rc = take_option(t, argc, argv, &at, e);
        if (rc < 0)
            return rc;
        if (rc == 0)
            argv[kept++] = argv[at++];
    }
    *ret_argc = kept;
    return 0;
}

static int run(struct server_settings *s, struct settings_table *t, int argc, const char **argv)
{
    struct err e = ERR_INIT;
    int at = 1;
    if (argc > 1 && strcmp(argv[1], "--help") == 0)
        return print_help(t);
    if (argc > 1 && strcmp(argv[1], "--version") == 0)
        return puts("rowhouse " ROWHOUSE_VERSION) < 0;
    if (settings_load(t->items, t->n, &e) < 0 || parse_front(t, argc, argv, &at, &e) < 0)
        return misuse(&e);
    if (at == argc) {
        fprintf(stderr, "%s; try rowhouse --help\n", usage_line);
        return EXIT_USAGE;
    }
    const struct command *command = find_command(argv[at]);
    if (!command) {
        err_set(&e, ERR_USAGE, "unknown command %s; try rowhouse --help", argv[at]);
        return misuse(&e);
    }
    argv += at;
    argc -= at;
    if (parse_behind(t, argc, argv, &argc, &e) < 0)
        return misuse(&e);
    if (log_configure(str_from(s->log_filter), (enum log_format)s->log_format, &e) < 0) {
        fprintf(stderr, "rowhouse: RUST_LOG: %s\n", e.text);
        return EXIT_USAGE;
    }
    const struct command_context cx = {.program = "rowhouse",
                                       .database_path = s->database_path,
                                       .busy_timeout_ms = s->busy_timeout_ms,
                                       .app = &app_engine,
                                       .settings = s,
                                       .table = t};
    return command->run(&cx, argc, argv);
}

int main(int argc, char **argv)
{
    struct server_settings settings = {0};
    struct settings_table table;
    if (sodium_init() < 0) {
        fputs("rowhouse: the random source of the system cannot be used\n", stderr);
        return EXIT_FAILURE;
    }
    server_settings_table(&settings, &table);
    const char **args = calloc((size_t)argc + 1, sizeof *args);
    if (!args) {
        fputs("rowhouse: out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    for (int i = 0; i < argc; i++)
        args[i] = argv[i];
    int status = run(&settings, &table, argc, args);
    free(args);
    settings_free(table.items, table.n);
    return status;
}
