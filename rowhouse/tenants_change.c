/* `rowhouse tenants create` and `delete`. */
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "rowhouse/tenants_cmd.h"

enum { ANSWER_BYTES = 256 };

static int say(const struct tenants_call *call, const char *what)
{
    if (call->json)
        printf("{\"name\":\"%s\",\"%s\":true}\n", call->name.s, what);
    else
        printf("%s: %s\n", call->name.s, what);
    return finish_output(call->cx, EXIT_SUCCESS);
}

int tenants_create(struct tenants_call *call)
{
    struct err e = ERR_INIT;
    int rc = store_create(call->store, &call->name, &e);
    return rc ? complain(call->cx, rc, &e) : say(call, "created");
}

/* What is about to be lost, as far as the file can be read. */
static void ask(const struct tenants_call *call)
{
    struct tenant_details d;
    char number[NUMBER_BYTES];
    if (store_show(call->store, &call->name, &d, NULL) == 0)
        fprintf(stderr, "The tenant %s has %s items. ", call->name.s,
                people_count(d.rows, true, number));
    fprintf(stderr, "Type its name to delete it for good: ");
    fflush(stderr);
}

/* Whoever types the name means it. Folded as names are. */
static bool answer_is_name(const struct tenants_call *call)
{
    char line[ANSWER_BYTES];
    if (!fgets(line, sizeof line, stdin))
        return false;
    line[strcspn(line, "\r\n")] = '\0';
    return strcasecmp(line, call->name.s) == 0;
}

static int find(void *ctx, const struct tenant_name *t)
{
    return strcmp(((const struct tenant_name *)ctx)->s, t->s) == 0;
}

static int confirm(struct tenants_call *call, struct err *e)
{
    if (call->yes)
        return 0;
    int rc = store_each(call->store, find, &call->name, e);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return err_set(e, ERR_NOT_FOUND, "there is no tenant %s", call->name.s);
    if (!isatty(STDIN_FILENO))
        return err_set(e, ERR_USAGE, "deleting takes --yes where nobody can be asked");
    ask(call);
    return answer_is_name(call) ? 0 : err_set(e, ERR_PRECONDITION, "nothing was deleted");
}

int tenants_delete(struct tenants_call *call)
{
    struct err e = ERR_INIT;
    int rc = confirm(call, &e);
    if (!rc)
        rc = store_delete(call->store, &call->name, call->cx->busy_timeout_ms, &e);
    return rc ? complain(call->cx, rc, &e) : say(call, "deleted");
}
