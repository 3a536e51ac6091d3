/*
 * Items as pages: the dashboard, the list, the forms. See items.h.
 *
 * Every page shows the tenant that the request has, whichever way it was
 * chosen, and links to it by path: that leads to the same tenant both with and
 * without a subdomain or X-Tenant.
 */
#include "app/chart.h"
#include "app/items.h"
#include "app/pages.h"
#include "app/show.h"

enum { DASHBOARD_ITEMS = 10 };

static struct str tenant(struct request *rq)
{
    return tenant_name_str(&rq->tenant);
}

static int see_dashboard(struct request *rq)
{
    return response_see_other(rq, arena_printf(rq->arena, "/tenant/%s", rq->tenant.s));
}

static struct item_view view_of(struct request *rq, const struct item *it)
{
    return (struct item_view){.id = it->id,
                              .name = it->name,
                              .description = it->description,
                              .created = show_moment(rq->arena, it->created_at),
                              .updated = show_moment(rq->arena, it->updated_at)};
}

/* One page of the list, and where the next one is. */
static int list_fill(struct request *rq, struct reader *r, const struct item_range *range,
                     struct item_list *ret)
{
    struct item_page_args args = {.before = range->before, .bound = (int64_t)range->limit + 1};
    struct item_page_row *rows;
    size_t n;
    int rc = item_page_all(r, &args, rq->arena, &rows, &n, &rq->err);
    if (rc < 0)
        return rc;

    bool more = n > range->limit;
    struct item_view *items = arena_alloc(rq->arena, (n + 1) * sizeof *items);
    if (!items)
        return request_fail(rq, ERR_NOMEM, "No memory for the list");
    for (size_t i = 0; i < n; i++)
        items[i] = view_of(rq, &ITEM_OF(rows[i]));
    *ret = (struct item_list){
        .tenant = tenant(rq), .items = items, .n = more ? range->limit : n, .first = range->first};
    if (more)
        ret->older.s = request_next_url(rq, STR(""), rows[range->limit - 1].id);
    return 0;
}

static struct item_form form_of(const struct item_input *typed)
{
    return (struct item_form){.name = show_field(&typed->fields[ITEM_NAME]),
                              .description = show_field(&typed->fields[ITEM_DESCRIPTION])};
}

/* The facts that can be had: a page does not fail for want of them. */
static void facts_fill(struct request *rq, struct dashboard_view *v)
{
    struct tenant_facts f;
    if (engine_facts(rq->engine, &rq->tenant, &f, NULL) < 0)
        return;
    v->size = show_bytes(rq->arena, f.file_bytes + f.wal_bytes);
    v->facts = (struct facts_view){.file = arena_printf(rq->arena, "%s.db", rq->tenant.s),
                                   .size = show_bytes(rq->arena, f.file_bytes),
                                   .wal = show_bytes(rq->arena, f.wal_bytes),
                                   .state = str_from(tenant_state_name(f.state)),
                                   .schema_version = f.schema_version,
                                   .connections = f.connections};
}

static int dashboard_fill(struct request *rq, struct reader *r, const struct item_range *range,
                          struct dashboard_view *v)
{
    struct tenant_get_row info;
    int rc = tenant_get(r, rq->arena, &info, &rq->err);
    if (rc == 0)
        rc = chart_fill(r, clock_real_ns(), rq->arena, &v->chart, &rq->err);
    if (rc == 0)
        rc = list_fill(rq, r, range, &v->list);
    if (rc < 0)
        return rc;
    v->frame = (struct frame){.title = tenant(rq), .tenant = optstr_some(tenant(rq))};
    v->tenant = tenant(rq);
    v->count = show_count(rq->arena, info.item_count);
    v->created = show_moment(rq->arena, info.created_at);
    v->last_activity = show_moment(rq->arena, info.last_activity);
    facts_fill(rq, v);
    return 0;
}

/* `typed`: what a wrong form held, which the page shows again; or NULL. */
static int dashboard_show(struct request *rq, struct reader *r, const struct item_range *range,
                          const struct item_input *typed)
{
    struct dashboard_view *v = arena_new(rq->arena, struct dashboard_view);
    if (!v)
        return request_fail(rq, ERR_NOMEM, "No memory for the page");
    if (typed)
        v->form = form_of(typed);
    int rc = dashboard_fill(rq, r, range, v);
    if (rc < 0)
        return rc;
    dashboard_page(&rq->out, v);
    rq->status = typed ? 422 : 200;
    return 0;
}

int dashboard_prepare(struct request *rq)
{
    return item_range_read(rq, DASHBOARD_ITEMS);
}

int dashboard_read(struct request *rq, struct reader *r)
{
    return dashboard_show(rq, r, rq->state, NULL);
}

int items_show(struct request *rq, struct reader *r, const struct item_range *range)
{
    struct tenant_get_row info;
    struct items_view v = {.frame = {.title = STR("Items"),
                                     .tenant = optstr_some(tenant(rq)),
                                     .here = optstr_some(STR("Items"))},
                           .tenant = tenant(rq)};
    int rc = tenant_get(r, rq->arena, &info, &rq->err);
    if (rc == 0)
        rc = list_fill(rq, r, range, &v.list);
    if (rc < 0)
        return rc;
    v.count = show_count(rq->arena, info.item_count);
    items_page(&rq->out, &v);
    rq->status = 200;
    return 0;
}

static struct item_page_view item_page_of(struct request *rq, const struct item *it,
                                          struct str title)
{
    return (struct item_page_view){
        .frame = {.title = title, .tenant = optstr_some(tenant(rq)), .here = optstr_some(title)},
        .tenant = tenant(rq),
        .item = view_of(rq, it),
        .form = {.name = {.value = it->name},
                 .description = {.value = optstr_or(it->description, STR(""))},
                 .version = item_etag(rq, it)},
    };
}

int item_show(struct request *rq, const struct item *it)
{
    struct item_page_view v = item_page_of(rq, it, STR("Edit item"));
    item_edit_page(&rq->out, &v);
    rq->status = 200;
    return 0;
}

/* The page with what was typed, which was not saved. */
static int item_show_again(struct request *rq, const struct item *it,
                           const struct item_input *typed, int status)
{
    struct item_page_view v = item_page_of(rq, it, STR("Edit item"));
    struct str version = v.form.version;
    v.form = form_of(typed);
    v.form.version = version;
    v.outdated = status == 409;
    item_edit_page(&rq->out, &v);
    rq->status = status;
    return 0;
}

int item_form_prepare(struct request *rq)
{
    struct item_input *in = rq->state = arena_new(rq->arena, struct item_input);
    if (!in)
        return request_fail(rq, ERR_NOMEM, "No memory for the form");
    int rc = request_form(rq, "version", &in->version);
    return rc < 0 ? rc : fields_from_form(rq, item_rules, ITEM_FIELDS, in->fields);
}

int item_create_form_write(struct request *rq, struct write_tx *tx)
{
    const struct item_input *in = rq->state;
    const struct item_range newest = item_range_newest(DASHBOARD_ITEMS);
    struct item it;
    if (fields_wrong(in->fields, ITEM_FIELDS))
        return dashboard_show(rq, &tx->reader, &newest, in);
    int rc = items_create(rq, tx, in, 1, &it);
    return rc < 0 ? rc : see_dashboard(rq);
}

int item_edit_form_write(struct request *rq, struct write_tx *tx)
{
    const struct item_input *in = rq->state;
    struct item it;
    int rc = item_load(rq, &tx->reader, &it);
    if (rc < 0)
        return rc;
    if (fields_wrong(in->fields, ITEM_FIELDS))
        return item_show_again(rq, &it, in, 422);
    if (in->version.n && !str_eq(in->version, item_etag(rq, &it)))
        return item_show_again(rq, &it, in, 409);
    rc = item_change(rq, tx, in, &it);
    return rc < 0 ? rc : see_dashboard(rq);
}

int item_confirm_read(struct request *rq, struct reader *r)
{
    struct item it;
    int rc = item_load(rq, r, &it);
    if (rc < 0)
        return rc;
    struct item_page_view v = item_page_of(rq, &it, STR("Delete item"));
    item_delete_page(&rq->out, &v);
    rq->status = 200;
    return 0;
}

int item_delete_form_write(struct request *rq, struct write_tx *tx)
{
    struct item it;
    int rc = item_load(rq, &tx->reader, &it);
    if (rc == 0)
        rc = item_remove(rq, tx, &it);
    return rc < 0 ? rc : see_dashboard(rq);
}
