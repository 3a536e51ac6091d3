/* `rowhouse tenants list`: names in order, written as they are read. */
#include <stdlib.h>

#include "base/json.h"
#include "rowhouse/tenants_cmd.h"

static void print_names(const struct name_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        fputs(list->p[i].s, stdout);
        putchar('\n');
    }
}

/* A name needs no escaping. */
static void print_json_names(const struct name_list *list)
{
    putchar('[');
    for (size_t i = 0; i < list->n; i++)
        printf("%s\"%s\"", i ? "," : "", list->p[i].s);
    puts("]");
}

int tenants_list(struct tenants_call *call)
{
    struct err e = ERR_INIT;
    struct name_list list;
    int rc = name_list_read(call->store, &list, &e);
    if (rc)
        return complain(call->cx, rc, &e);
    if (call->json)
        print_json_names(&list);
    else
        print_names(&list);
    free(list.p);
    return finish_output(call->cx, EXIT_SUCCESS);
}
