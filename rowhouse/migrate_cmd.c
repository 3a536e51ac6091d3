/*
 * `rowhouse migrate`: brings the schema of all tenants, or of those named, up
 * to date. Each tenant is on its own: one that fails does not stop the rest,
 * and a run that was stopped is gone on with by running it again.
 */
#include <stdlib.h>

#include "base/json.h"
#include "rowhouse/command_util.h"

#define USAGE "migrate [--dry-run] [--json] [NAME...]"

struct migration_run {
    const struct command_context *cx;
    struct store *store;
    int dry_run, as_json;
    struct progress progress;
    size_t changed, current, failed;
    bool any; /* a JSON element was printed */
};

static int print_help(const struct command_context *cx)
{
    printf(
        "usage: %s " USAGE "\n\n"
        "Brings the schema of all tenants in DATABASE_PATH, or of those named, up to date, as a\n"
        "server does when a tenant is first used. May run beside a server. One that fails does\n"
        "not stop the rest; run it again to go on.\n\n"
        "  --dry-run  only says what would be done\n"
        "  --json     prints one object that a script may read\n\n"
        "Exit status: 0 done, 1 where a tenant failed, 2 misuse.\n",
        cx->program);
    return finish_output(cx, EXIT_SUCCESS);
}

static void print_as_json(struct migration_run *m, const struct tenant_name *t,
                          const struct migrate_result *r, int rc, const struct err *e)
{
    CLEANUP(buf_free) struct buf out = BUF_INIT;
    if (m->any)
        buf_char(&out, ',');
    m->any = true;
    struct json j = json_to(&out);
    json_object_begin(&j);
    json_key(&j, "name");
    json_str(&j, tenant_name_str(t));
    if (rc) {
        json_key(&j, "error");
        json_str(&j, str_from(e->text));
    } else {
        json_key(&j, "from");
        json_u64(&j, r->from);
        json_key(&j, "to");
        json_u64(&j, r->to);
    }
    json_object_end(&j);
    fwrite(out.p, 1, out.n, stdout);
}

static void print_as_text(struct migration_run *m, const struct tenant_name *t,
                          const struct migrate_result *r, int rc, const struct err *e)
{
    if (rc)
        fprintf(stderr, "%s: %s: %s\n", m->cx->program, t->s, e->text);
    else
        printf("%s: %s from version %u to %u\n", t->s,
               m->dry_run ? "would be migrated" : "migrated", r->from, r->to);
}

/* Only what changed or failed is worth a line. */
static void migrate_one(struct migration_run *m, const struct tenant_name *t, bool must_exist)
{
    struct err e = ERR_INIT;
    struct migrate_result r = {0};
    int rc = store_migrate(m->store, t, m->dry_run != 0, &r, &e);
    if (rc == ERR_NOT_FOUND && !must_exist)
        rc = 0; /* deleted meanwhile */
    m->failed += rc != 0;
    m->changed += !rc && r.changed;
    m->current += !rc && !r.changed;
    if (rc || r.changed) {
        progress_hide(&m->progress);
        (m->as_json ? print_as_json : print_as_text)(m, t, &r, rc, &e);
    }
    progress_step(&m->progress, rc != 0);
}

static void print_summary(struct migration_run *m)
{
    size_t n = m->changed + m->current + m->failed;
    if (m->as_json)
        printf("],\"migrated\":%zu,\"up_to_date\":%zu,\"failed\":%zu,\"dry_run\":%s}\n", m->changed,
               m->current, m->failed, m->dry_run ? "true" : "false");
    else
        printf("%zu tenant%s: %zu %s, %zu up to date, %zu failed\n", n, n == 1 ? "" : "s",
               m->changed, m->dry_run ? "to be migrated" : "migrated", m->current, m->failed);
}

static int migrate_list(struct migration_run *m, const struct name_list *list, bool named)
{
    progress_begin(&m->progress, m->dry_run ? "looking" : "migrating", list->n);
    if (m->as_json)
        printf("{\"tenants\":[");
    for (size_t i = 0; i < list->n; i++)
        migrate_one(m, &list->p[i], named);
    progress_hide(&m->progress);
    print_summary(m);
    return finish_output(m->cx, m->failed ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* The names on the command line, or all. */
static int choose(struct store *s, const char **args, int n, struct name_list *ret, struct err *e)
{
    if (n == 0)
        return name_list_read(s, ret, e);
    struct name_list list = {.p = calloc((size_t)n, sizeof *list.p)};
    int rc = list.p ? 0 : err_set(e, ERR_NOMEM, "out of memory");
    for (int i = 0; i < n && !rc; i++)
        rc = read_name(args[i], &list.p[list.n++], e);
    if (rc)
        free(list.p);
    else
        *ret = list;
    return rc;
}

static int migrate_chosen(struct migration_run *m, const char **args, int n)
{
    struct err e = ERR_INIT;
    struct name_list list = {0};
    int rc = store_open(m->cx->database_path, false, m->cx->app, &m->store, &e);
    if (!rc)
        rc = choose(m->store, args, n, &list, &e);
    int status = rc ? complain(m->cx, rc, &e) : migrate_list(m, &list, n > 0);
    free(list.p);
    store_close(m->store);
    return status;
}

static int migrate_run(const struct command_context *cx, int argc, const char **argv)
{
    struct migration_run m = {.cx = cx};
    int help = 0, n = 0;
    const struct poptOption options[] = {{"dry-run", 'n', POPT_ARG_NONE, &m.dry_run, 0, NULL, NULL},
                                         {"json", 0, POPT_ARG_NONE, &m.as_json, 0, NULL, NULL},
                                         {"help", 'h', POPT_ARG_NONE, &help, 0, NULL, NULL},
                                         POPT_TABLEEND};
    CLEANUP(freep) const char **args = NULL;
    if (!read_options(argc, argv, options, &args, &n))
        return misuse(cx, USAGE);
    return help ? print_help(cx) : migrate_chosen(&m, args, n);
}

const struct command command_migrate = {
    .name = "migrate",
    .args = "[--dry-run] [NAME...]",
    .summary = "bring the schema of tenants up to date",
    .run = migrate_run,
};
