/*
 * The list of tenants. See tenants.h.
 *
 * The names come from the engine's catalog, in memory. The numbers on the page
 * may need a short read of each tenant's database, so the page is made on a
 * worker, and shows only as many tenants as such reads are cheap for.
 */
#include "app/tenants.h"

#include "app/pages.h"
#include "app/show.h"

enum { ROWS_A_PAGE = 25 };

/* From prepare to task. */
struct tenants_query {
    struct str prefix, after;
    unsigned limit;
    bool first;
    struct field_view typed; /* of the form */
};

/* Names are in lower case. */
static struct str folded(struct arena *arena, struct str s)
{
    char *p = arena_alloc(arena, s.n + 1);
    for (size_t i = 0; p && i < s.n; i++)
        p[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] - 'A' + 'a' : s.p[i]);
    return str_make(p, p ? s.n : 0);
}

static struct tenants_query *query_new(struct request *rq, unsigned limit)
{
    struct tenants_query *q = rq->state = arena_new(rq->arena, struct tenants_query);
    if (q)
        *q = (struct tenants_query){.limit = limit, .first = true};
    else
        request_fail(rq, ERR_NOMEM, "No memory for a list");
    return q;
}

static int query_read(struct request *rq, unsigned standard_limit, unsigned max)
{
    struct tenants_query *q = query_new(rq, 0);
    int rc = q ? request_limit(rq, standard_limit, max, &q->limit) : ERR_NOMEM;
    if (rc == 0)
        rc = request_query(rq, "q", &q->prefix);
    if (rc < 0)
        return rc;
    q->prefix = folded(rq->arena, str_trim(q->prefix));
    rc = request_cursor(rq, q->prefix, &q->after);
    q->first = rc == 0;
    return rc < 0 ? rc : 0;
}

static int names(struct request *rq, const struct tenants_query *q, struct catalog_page *ret)
{
    return catalog_list(rq->engine, q->prefix, q->after, q->limit, rq->arena, ret, &rq->err);
}

static struct str last_name(const struct catalog_page *page)
{
    return tenant_name_str(&page->names[page->n - 1]);
}

int tenants_prepare(struct request *rq)
{
    return query_read(rq, TENANTS_PAGE_STANDARD, TENANTS_PAGE_MAX);
}

int tenants_list_task(struct request *rq)
{
    const struct tenants_query *q = rq->state;
    struct catalog_page page;
    int rc = names(rq, q, &page);
    if (rc < 0)
        return rc;
    struct json j = json_to(&rq->out);
    json_array_begin(&j);
    for (size_t i = 0; i < page.n; i++)
        json_str(&j, tenant_name_str(&page.names[i]));
    json_array_end(&j);
    if (page.more)
        response_link_next(rq, q->prefix, last_name(&page));
    rq->status = 200;
    return 0;
}

static struct tenant_row row_of(struct request *rq, const struct tenant_name *t)
{
    struct tenant_row row = {.name = tenant_name_str(t)};
    struct tenant_summary s;
    int64_t bytes;
    int rc = engine_summary(rq->engine, t, &s, &bytes, NULL);
    if (rc < 0) {
        row.trouble = optstr_some(str_from(err_info(rc)->title));
        return row;
    }
    row.count = show_count(rq->arena, s.rows);
    row.size = show_bytes(rq->arena, bytes);
    row.last_activity = show_moment(rq->arena, str_from(s.last_activity));
    return row;
}

static int show_page(struct request *rq, int status)
{
    const struct tenants_query *q = rq->state;
    struct catalog_page page;
    int rc = names(rq, q, &page);
    struct tenant_row *rows = rc < 0 ? NULL : arena_alloc(rq->arena, (page.n + 1) * sizeof *rows);
    if (!rows)
        return rc < 0 ? rc : request_fail(rq, ERR_NOMEM, "No memory for the page");
    for (size_t i = 0; i < page.n; i++)
        rows[i] = row_of(rq, &page.names[i]);
    struct tenants_view v = {.frame = {.title = STR("Tenants")},
                             .count = show_count(rq->arena, catalog_count(rq->engine)),
                             .search = q->prefix,
                             .rows = rows,
                             .n = page.n,
                             .first = q->first,
                             .may_create = request_may_create(rq),
                             .name = q->typed};
    if (page.more)
        v.next.s = request_next_url(rq, q->prefix, last_name(&page));
    tenants_page(&rq->out, &v);
    rq->status = status;
    return 0;
}

int tenants_page_prepare(struct request *rq)
{
    return query_read(rq, ROWS_A_PAGE, ROWS_A_PAGE);
}

int tenants_page_task(struct request *rq)
{
    return show_page(rq, 200);
}

int tenant_form_prepare(struct request *rq)
{
    struct tenants_query *q = query_new(rq, ROWS_A_PAGE);
    int rc = q ? request_form(rq, "name", &q->typed.value) : ERR_NOMEM;
    return rc < 0 ? rc : 0;
}

int tenant_form_task(struct request *rq)
{
    struct tenants_query *q = rq->state;
    struct tenant_name name;
    struct err *wrong = arena_new(rq->arena, struct err);
    if (!wrong)
        return request_fail(rq, ERR_NOMEM, "No memory for the form");
    if (tenant_name_parse(str_trim(q->typed.value), &name, wrong) < 0) {
        q->typed.wrong = optstr_some(str_from(wrong->text));
        return show_page(rq, 422);
    }
    if (!request_may_create(rq) && !catalog_has(rq->engine, &name))
        return request_fail(rq, ERR_NOT_FOUND, "Tenants are created by an operator here");
    return response_see_other(rq, arena_printf(rq->arena, "/tenant/%s", name.s));
}
