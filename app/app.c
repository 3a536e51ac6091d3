/*
 * What the application brings to the engine, and how it shows errors.
 */
#include "app/app.h"

#include <stdio.h>

#include "app/app_sql.h"
#include "app/openapi.h"
#include "app/pages.h"
#include "app/views.h"

const char app_title[] = "Rowhouse";
const char app_openapi_components[] = APP_OPENAPI_COMPONENTS;

static int on_create(struct write_tx *tx, const struct tenant_name *tenant, struct err *e)
{
    struct tenant_insert_args row = {.name = tenant_name_str(tenant), .now = write_tx_now(tx)};
    return tenant_insert(tx, &row, NULL, e);
}

static int on_open(struct write_tx *tx, struct uuid_gen *ids, struct err *e)
{
    struct arena arena = ARENA_INIT;
    struct item_newest_row newest;
    int rc = item_newest(&tx->reader, &arena, &newest, e);
    if (rc == 0)
        uuid_v7_seen(ids, newest.id);
    arena_free(&arena);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static void copy_time(char out[RFC3339_BYTES], struct str time)
{
    snprintf(out, RFC3339_BYTES, "%.*s", STR_ARG(time));
}

static int summarise(struct reader *r, struct tenant_summary *ret, struct err *e)
{
    struct arena arena = ARENA_INIT;
    struct tenant_get_row info;
    int rc = tenant_get(r, &arena, &info, e);
    if (rc == 0) {
        ret->rows = info.item_count;
        copy_time(ret->created_at, info.created_at);
        copy_time(ret->last_activity, info.last_activity);
    }
    arena_free(&arena);
    return rc;
}

const struct engine_app app_engine = {
    .sql = &app_sql_module,
    .migrations = app_migrations,
    .migration_count = sizeof app_migrations / sizeof *app_migrations,
    .on_create = on_create,
    .on_open = on_open,
    .summarise = summarise,
};

/* What somebody can do about it. */
static struct str advice(int status)
{
    switch (status) {
    case 403:
        return STR("Open the page itself, and send the form from there.");
    case 404:
        return STR("Check the address, or start from the list of tenants.");
    case 412:
        return STR("Somebody changed it meanwhile. Open it again to see how it is now.");
    case 422:
        return STR("Go back, correct what is named above, and send it again.");
    case 429:
    case 503:
        return STR("Nothing was changed. Wait a few seconds and try again.");
    default:
        return status < 500 ? STR("Go back, check what you entered, and try again.")
                            : STR("Nothing was changed. If it happens again, tell whoever runs "
                                  "this server.");
    }
}

void app_error_page(struct request *rq, const struct problem *p, struct buf *out)
{
    size_t n = 0;
    for (const struct field_error *fe = p->fields; fe; fe = fe->next)
        n++;
    struct error_row *rows = arena_alloc(rq->arena, (n + 1) * sizeof *rows);
    n = 0;
    for (const struct field_error *fe = p->fields; rows && fe; fe = fe->next)
        rows[n++] = (struct error_row){fe->field, fe->message};
    struct error_view v = {.frame = {.title = str_from(p->title)},
                           .status = p->status,
                           .heading = str_from(p->title),
                           .detail = p->detail,
                           .advice = advice(p->status),
                           .request_id = rq->id,
                           .rows = rows,
                           .n = n};
    error_page(out, &v);
}
