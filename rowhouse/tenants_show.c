/* `rowhouse tenants show`: the facts of one tenant. */
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "rowhouse/tenants_cmd.h"

static struct optstr time_or_none(const char *text)
{
    return text[0] ? optstr_some(str_from(text)) : optstr_none();
}

static bool print_as_json(const struct tenants_call *call, const struct tenant_details *d)
{
    CLEANUP(buf_free) struct buf out = BUF_INIT;
    struct json j = json_to(&out);
    json_object_begin(&j);
    json_key(&j, "name");
    json_str(&j, tenant_name_str(&call->name));
    json_key(&j, "items");
    json_i64(&j, d->rows);
    json_key(&j, "file_bytes");
    json_i64(&j, d->file_bytes);
    json_key(&j, "wal_bytes");
    json_i64(&j, d->wal_bytes);
    json_key(&j, "schema_version");
    json_u64(&j, d->schema_version);
    json_key(&j, "created_at");
    json_optstr(&j, time_or_none(d->created_at));
    json_key(&j, "last_activity");
    json_optstr(&j, time_or_none(d->last_activity));
    json_key(&j, "path");
    json_str(&j, str_from(d->path));
    json_object_end(&j);
    return print_json(&out);
}

static void print_as_text(const struct tenants_call *call, const struct tenant_details *d)
{
    bool terminal = isatty(STDOUT_FILENO) == 1;
    char number[NUMBER_BYTES];
    printf("tenant          %s\n", call->name.s);
    printf("items           %s\n", people_count(d->rows, terminal, number));
    printf("file            %s\n", people_bytes(d->file_bytes, terminal, number));
    printf("wal             %s\n", people_bytes(d->wal_bytes, terminal, number));
    printf("schema version  %u\n", d->schema_version);
    printf("created         %s\n", d->created_at[0] ? d->created_at : "-");
    printf("last activity   %s\n", d->last_activity[0] ? d->last_activity : "-");
    printf("path            %s\n", d->path);
}

int tenants_show(struct tenants_call *call)
{
    struct err e = ERR_INIT;
    struct tenant_details d;
    int rc = store_show(call->store, &call->name, &d, &e);
    if (rc)
        return complain(call->cx, rc, &e);
    if (!call->json)
        print_as_text(call, &d);
    else if (!print_as_json(call, &d))
        return EXIT_FAILURE;
    return finish_output(call->cx, EXIT_SUCCESS);
}
