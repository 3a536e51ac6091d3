/*
 * `rowhouse tenants check`: a line for each tenant that is whole, what was
 * found in each that is not. One that cannot be checked does not stop the rest.
 */
#include <stdlib.h>

#include "base/json.h"
#include "rowhouse/tenants_cmd.h"

struct finding_list { /* of one tenant */
    struct buf text;  /* lines for people */
    struct buf json_text;
    struct json json;
};

static void take_finding(void *ctx, struct str text)
{
    struct finding_list *f = ctx;
    buf_printf(&f->text, "  %.*s\n", STR_ARG(text));
    json_str(&f->json, text);
}

static void print_as_json(const struct tenant_name *t, int rc, const struct err *e,
                          struct finding_list *f, struct buf *out)
{
    struct json j = json_to(out);
    json_object_begin(&j);
    json_key(&j, "name");
    json_str(&j, tenant_name_str(t));
    json_key(&j, "ok");
    json_bool(&j, rc == 0);
    json_key(&j, "findings");
    json_raw(&j, buf_str(&f->json_text));
    json_key(&j, "error");
    json_optstr(&j, rc ? optstr_some(str_from(e->text)) : optstr_none());
    json_object_end(&j);
}

static void print_as_text(const struct tenant_name *t, int rc, const struct err *e,
                          const struct finding_list *f, struct buf *out)
{
    if (rc == 0)
        buf_printf(out, "%s: ok\n", t->s);
    else if (f->text.n)
        buf_printf(out, "%s: damaged\n%.*s", t->s, STR_ARG(buf_str(&f->text)));
    else
        buf_printf(out, "%s: not checked: %s\n", t->s, e->text);
}

/* Checks one and writes its result to stdout. */
static int check_one(struct tenants_call *call, const struct tenant_name *t, struct err *e)
{
    struct finding_list f = {.text = BUF_INIT, .json_text = BUF_INIT};
    CLEANUP(buf_free) struct buf out = BUF_INIT;
    f.json = json_to(&f.json_text);
    json_array_begin(&f.json);
    int rc = store_check(call->store, t, take_finding, &f, e);
    json_array_end(&f.json);
    if (call->json)
        print_as_json(t, rc, e, &f, &out);
    else
        print_as_text(t, rc, e, &f, &out);
    fwrite(out.p, 1, out.n, stdout);
    bool written = buf_ok(&out) && buf_ok(&f.text) && buf_ok(&f.json_text);
    buf_free(&f.text);
    buf_free(&f.json_text);
    return rc || written ? rc : err_set(e, ERR_NOMEM, "out of memory");
}

static int check_named(struct tenants_call *call)
{
    struct err e = ERR_INIT;
    int rc = check_one(call, &call->name, &e);
    if (call->json)
        putchar('\n');
    int status = rc ? complain(call->cx, rc, &e) : EXIT_SUCCESS;
    return finish_output(call->cx, status);
}

static size_t check_list(struct tenants_call *call, const struct name_list *list)
{
    struct progress progress;
    size_t failed = 0;
    progress_begin(&progress, "checking", list->n);
    if (call->json)
        putchar('[');
    for (size_t i = 0; i < list->n; i++) {
        struct err e = ERR_INIT;
        progress_hide(&progress);
        if (call->json && i)
            putchar(',');
        int rc = check_one(call, &list->p[i], &e);
        /* One that was deleted meanwhile is no failure. */
        bool bad = rc && rc != ERR_NOT_FOUND;
        failed += bad;
        progress_step(&progress, bad);
    }
    progress_hide(&progress);
    if (call->json)
        puts("]");
    return failed;
}

static int check_all(struct tenants_call *call)
{
    struct err e = ERR_INIT;
    struct name_list list;
    int rc = name_list_read(call->store, &list, &e);
    if (rc)
        return complain(call->cx, rc, &e);
    size_t failed = check_list(call, &list);
    if (failed) {
        err_set(&e, ERR_CORRUPT, "%zu of %zu tenants did not pass", failed, list.n);
        rc = complain(call->cx, ERR_CORRUPT, &e);
    }
    free(list.p);
    return finish_output(call->cx, rc);
}

int tenants_check(struct tenants_call *call)
{
    if (call->n_args && call->all) {
        struct err e = ERR_INIT;
        return complain(call->cx, err_set(&e, ERR_USAGE, "check takes a name or --all, not both"),
                        &e);
    }
    return call->n_args ? check_named(call) : check_all(call);
}
