/*
 * The sub-commands of `rowhouse tenants`, one entry each.
 */
#ifndef ROWHOUSE_TENANTS_CMD_H
#define ROWHOUSE_TENANTS_CMD_H

#include "rowhouse/command_util.h"

/* What was said on the command line. */
struct tenants_call {
    const struct command_context *cx;
    struct store *store; /* open */
    const char **args;   /* behind the sub-command's name; NULL-terminated */
    int n_args;
    int json, yes, all, force;
    struct tenant_name name; /* of args[0], where the sub-command takes one */
};

struct tenants_entry {
    const char *name;
    const char *usage; /* behind "tenants" */
    const char *help;  /* one or two lines */
    int min_args, max_args;
    const char *flags; /* of those: j(son) y(es) a(ll) f(orce) */
    bool takes_name;   /* args[0], where there is one */
    bool makes_folder;
    /* The exit status; complains itself. */
    int (*run)(struct tenants_call *call);
};

int tenants_list(struct tenants_call *call);
int tenants_show(struct tenants_call *call);
int tenants_create(struct tenants_call *call);
int tenants_delete(struct tenants_call *call);
int tenants_check(struct tenants_call *call);
int tenants_export(struct tenants_call *call);

/* Prints one JSON value and a line break. False where memory is out. */
bool print_json(struct buf *value);

#endif
