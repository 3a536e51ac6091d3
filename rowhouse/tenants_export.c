/* `rowhouse tenants export`: one tenant into one file, or to standard output. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "rowhouse/tenants_cmd.h"

static bool print_as_json(const struct tenants_call *call, const char *file, int64_t size)
{
    CLEANUP(buf_free) struct buf out = BUF_INIT;
    struct json j = json_to(&out);
    json_object_begin(&j);
    json_key(&j, "name");
    json_str(&j, tenant_name_str(&call->name));
    json_key(&j, "file");
    json_str(&j, str_from(file));
    json_key(&j, "file_bytes");
    json_i64(&j, size);
    json_object_end(&j);
    return print_json(&out);
}

static int say(const struct tenants_call *call, const char *file)
{
    struct stat st = {0};
    char number[NUMBER_BYTES];
    bool terminal = isatty(STDOUT_FILENO) == 1;
    if (strcmp(file, "-") == 0)
        return EXIT_SUCCESS; /* standard output is the database */
    int64_t size = stat(file, &st) == 0 ? (int64_t)st.st_size : 0;
    if (!call->json)
        printf("%s: exported to %s (%s%s)\n", call->name.s, file,
               people_bytes(size, terminal, number), terminal ? "" : " bytes");
    else if (!print_as_json(call, file, size))
        return EXIT_FAILURE;
    return finish_output(call->cx, EXIT_SUCCESS);
}

int tenants_export(struct tenants_call *call)
{
    struct err e = ERR_INIT;
    char standard[TENANT_NAME_MAX + 8];
    snprintf(standard, sizeof standard, "%s.db", call->name.s);
    const char *file = call->n_args > 1 ? call->args[1] : standard;
    int rc = 0;
    if (strcmp(file, "-") == 0 && isatty(STDOUT_FILENO))
        rc = err_set(&e, ERR_USAGE, "a database is no text: send it to a file or a pipe");
    if (!rc)
        rc = store_export(call->store, &call->name, file, call->force != 0, &e);
    return rc ? complain(call->cx, rc, &e) : say(call, file);
}
