/*
 * `rowhouse tenants`: picks the sub-command, reads its options and the name,
 * opens the folder. What each does is in tenants_*.c.
 */
#include "rowhouse/tenants_cmd.h"

#include <stdlib.h>

#define USAGE "tenants list|show NAME|create NAME|delete NAME|check [NAME|--all]|export NAME [FILE]"

static const struct tenants_entry entries[] = {
    {.name = "list",
     .usage = "list [--json]",
     .help = "Prints the names of all tenants in order, one a line.",
     .flags = "j",
     .run = tenants_list},
    {.name = "show",
     .usage = "show NAME [--json]",
     .help = "Prints a tenant's items, size, schema version and times.",
     .min_args = 1,
     .max_args = 1,
     .flags = "j",
     .takes_name = true,
     .run = tenants_show},
    {.name = "create",
     .usage = "create NAME [--json]",
     .help = "Makes a tenant; fails where it exists.",
     .min_args = 1,
     .max_args = 1,
     .flags = "j",
     .takes_name = true,
     .makes_folder = true,
     .run = tenants_create},
    {.name = "delete",
     .usage = "delete NAME [--yes] [--json]",
     .help = "Removes a tenant and all its data. Asks on a terminal; elsewhere it needs --yes.",
     .min_args = 1,
     .max_args = 1,
     .flags = "jy",
     .takes_name = true,
     .run = tenants_delete},
    {.name = "check",
     .usage = "check [NAME|--all] [--json]",
     .help = "Runs SQLite's integrity_check and foreign_key_check on one tenant or on all.\n"
             "      Exit status 1 where one finds something.",
     .max_args = 1,
     .flags = "ja",
     .takes_name = true,
     .run = tenants_check},
    {.name = "export",
     .usage = "export NAME [FILE] [--force] [--json]",
     .help = "Writes one consistent SQLite file: NAME.db in the current folder unless told;\n"
             "      - is standard output. A file that exists is kept, unless --force is given.",
     .min_args = 1,
     .max_args = 2,
     .flags = "jf",
     .takes_name = true,
     .run = tenants_export},
};

enum { ENTRIES = sizeof entries / sizeof *entries };

bool print_json(struct buf *value)
{
    buf_char(value, '\n');
    return buf_ok(value) && fwrite(value->p, 1, value->n, stdout) == value->n;
}

static int print_help(const struct command_context *cx)
{
    printf("usage: %s " USAGE "\n\n", cx->program);
    for (int i = 0; i < ENTRIES; i++)
        printf("  %s\n      %s\n", entries[i].usage, entries[i].help);
    printf("\n  --json  prints what a script may read\n\n"
           "The folder of the tenants is DATABASE_PATH. All of this may be done while a server\n"
           "runs. Exit status: 0 done, 1 it failed or was refused, 2 misuse.\n");
    return finish_output(cx, EXIT_SUCCESS);
}

static const struct tenants_entry *find_entry(const char *name)
{
    for (int i = 0; i < ENTRIES; i++) {
        if (strcmp(entries[i].name, name) == 0)
            return &entries[i];
    }
    return NULL;
}

static bool flags_allowed(const struct tenants_entry *entry, const struct tenants_call *call)
{
    return (!call->json || strchr(entry->flags, 'j')) &&
           (!call->yes || strchr(entry->flags, 'y')) && (!call->all || strchr(entry->flags, 'a')) &&
           (!call->force || strchr(entry->flags, 'f'));
}

static int misuse_of(const struct command_context *cx, const struct tenants_entry *entry)
{
    char usage[160];
    snprintf(usage, sizeof usage, "tenants %s", entry->usage);
    return misuse(cx, usage);
}

static int run_entry(const struct tenants_entry *entry, struct tenants_call *call)
{
    struct err e = ERR_INIT;
    int rc = 0;
    if (entry->takes_name && call->n_args)
        rc = read_name(call->args[0], &call->name, &e);
    if (!rc)
        rc = store_open(call->cx->database_path, entry->makes_folder, call->cx->app, &call->store,
                        &e);
    if (rc)
        return complain(call->cx, rc, &e);
    int status = entry->run(call);
    store_close(call->store);
    return status;
}

static int tenants_run(const struct command_context *cx, int argc, const char **argv)
{
    struct tenants_call call = {.cx = cx};
    int help = 0;
    const struct poptOption options[] = {{"json", 0, POPT_ARG_NONE, &call.json, 0, NULL, NULL},
                                         {"yes", 'y', POPT_ARG_NONE, &call.yes, 0, NULL, NULL},
                                         {"all", 0, POPT_ARG_NONE, &call.all, 0, NULL, NULL},
                                         {"force", 0, POPT_ARG_NONE, &call.force, 0, NULL, NULL},
                                         {"help", 'h', POPT_ARG_NONE, &help, 0, NULL, NULL},
                                         POPT_TABLEEND};
    CLEANUP(freep) const char **all = NULL;
    int n = 0;
    bool good = read_options(argc, argv, options, &all, &n);
    if (good && help)
        return print_help(cx);
    const struct tenants_entry *entry = n ? find_entry(all[0]) : NULL;
    if (!entry)
        return misuse(cx, USAGE);
    call.args = all + 1;
    call.n_args = n - 1;
    if (!good || call.n_args < entry->min_args || call.n_args > entry->max_args ||
        !flags_allowed(entry, &call))
        return misuse_of(cx, entry);
    return run_entry(entry, &call);
}

const struct command command_tenants = {
    .name = "tenants",
    .args = "list|show NAME|create NAME|delete NAME|check [NAME|--all]|export NAME [FILE]",
    .summary = "list, show, create, delete, check and export tenants",
    .run = tenants_run,
};
