/*
 * Items as JSON. See items.h; the contract is openapi.json.
 */
#include "app/items.h"

/* From prepare to write. */
struct item_write {
    struct item_input *in;
    size_t n;
};

static int print_item(struct request *rq, int status, const struct item *it)
{
    struct json j = json_to(&rq->out);
    item_print(&j, it);
    rq->etag = item_etag(rq, it);
    rq->status = status;
    return 0;
}

int items_list_prepare(struct request *rq)
{
    return item_range_read(rq, ITEM_PAGE_STANDARD);
}

int items_list_read(struct request *rq, struct reader *r)
{
    const struct item_range *range = rq->state;
    struct item_page_args args = {.before = range->before, .bound = (int64_t)range->limit + 1};
    struct item_page_iter rows;
    struct item_page_row row = {0};
    struct json j = json_to(&rq->out);
    struct str last = STR("");
    if (rq->accepts == MEDIA_HTML)
        return items_show(rq, r, range);

    json_array_begin(&j);
    int rc = item_page_begin(r, &args, &rows, &rq->err);
    if (rc == 0)
        rc = item_page_next(&rows, &row, &rq->err);
    for (unsigned n = 1; rc > 0 && n <= range->limit; n++) {
        struct item it = ITEM_OF(row);
        item_print(&j, &it);
        if (n == range->limit)
            last = arena_copy(rq->arena, row.id);
        rc = item_page_next(&rows, &row, &rq->err);
    }
    item_page_end(&rows);
    json_array_end(&j);
    if (rc > 0 && !last.p)
        return request_fail(rq, ERR_NOMEM, "No memory for the list");
    if (rc > 0)
        response_link_next(rq, STR(""), last);
    rq->status = 200;
    return rc < 0 ? rc : 0;
}

/* Room for n items of a body. */
static struct item_write *state_new(struct request *rq, size_t n)
{
    struct item_write *w = rq->state = arena_new(rq->arena, struct item_write);
    if (w)
        w->in = arena_alloc(rq->arena, n * sizeof *w->in);
    if (!w || !w->in) {
        request_fail(rq, ERR_NOMEM, "No memory for the body");
        return NULL;
    }
    w->n = n;
    return w;
}

static int read_object(struct request *rq, enum fields_mode mode)
{
    json_t *body;
    struct item_write *w = state_new(rq, 1);
    int rc = w ? request_json(rq, &body) : ERR_NOMEM;
    if (rc < 0)
        return rc;
    return fields_from_json(rq, body, "", mode, item_rules, ITEM_FIELDS, w->in->fields);
}

/* On /tenant/{t}/items a form is taken too; what answers it is a page. */
int item_create_prepare(struct request *rq)
{
    bool form = rq->content == MEDIA_FORM;
    rq->accepts = form ? MEDIA_HTML : MEDIA_JSON;
    return form ? item_form_prepare(rq) : read_object(rq, FIELDS_ALL);
}

int item_create_write(struct request *rq, struct write_tx *tx)
{
    const struct item_write *w = rq->state;
    struct item it;
    if (rq->content == MEDIA_FORM)
        return item_create_form_write(rq, tx);
    int rc = items_create(rq, tx, w->in, 1, &it);
    if (rc < 0)
        return rc;
    response_location(rq, item_url(rq, it.id).s);
    return print_item(rq, 201, &it);
}

static int read_batch(struct request *rq, json_t *body)
{
    size_t n = json_array_size(body); /* 0 also where it is no array */
    int rc = 0;
    if (n == 0 || n > ITEM_BATCH_MAX) {
        request_field_error(rq, "body", "must be an array of 1 to %d items", ITEM_BATCH_MAX);
        return ERR_INVALID;
    }
    struct item_write *w = state_new(rq, n);
    if (!w)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        char prefix[24];
        snprintf(prefix, sizeof prefix, "[%zu]", i);
        if (fields_from_json(rq, json_array_get(body, i), prefix, FIELDS_ALL, item_rules,
                             ITEM_FIELDS, w->in[i].fields) < 0)
            rc = ERR_INVALID;
    }
    return rc;
}

int items_batch_prepare(struct request *rq)
{
    json_t *body;
    int rc = request_json(rq, &body);
    return rc < 0 ? rc : read_batch(rq, body);
}

int items_batch_write(struct request *rq, struct write_tx *tx)
{
    const struct item_write *w = rq->state;
    struct item *items = arena_alloc(rq->arena, w->n * sizeof *items);
    if (!items)
        return request_fail(rq, ERR_NOMEM, "No memory for %zu items", w->n);
    int rc = items_create(rq, tx, w->in, w->n, items);
    if (rc < 0)
        return rc;
    struct json j = json_to(&rq->out);
    json_array_begin(&j);
    for (size_t i = 0; i < w->n; i++)
        item_print(&j, &items[i]);
    json_array_end(&j);
    rq->status = 201;
    return 0;
}

int item_get_read(struct request *rq, struct reader *r)
{
    struct item it;
    int rc = item_load(rq, r, &it);
    if (rc < 0)
        return rc;
    return rq->accepts == MEDIA_HTML ? item_show(rq, &it) : print_item(rq, 200, &it);
}

int item_patch_prepare(struct request *rq)
{
    return read_object(rq, FIELDS_PATCH);
}

/* The item that the path names, where If-Match admits it. */
static int load_to_write(struct request *rq, struct write_tx *tx, struct item *ret)
{
    int rc = item_load(rq, &tx->reader, ret);
    if (rc == 0 && !request_if_match(rq, item_etag(rq, ret)))
        rc = ERR_PRECONDITION;
    return rc;
}

int item_patch_write(struct request *rq, struct write_tx *tx)
{
    const struct item_write *w = rq->state;
    struct item it;
    int rc = load_to_write(rq, tx, &it);
    if (rc == 0)
        rc = item_change(rq, tx, w->in, &it);
    return rc < 0 ? rc : print_item(rq, 200, &it);
}

int item_delete_write(struct request *rq, struct write_tx *tx)
{
    struct item it;
    int rc = load_to_write(rq, tx, &it);
    if (rc == 0)
        rc = item_remove(rq, tx, &it);
    rq->status = 204;
    return rc;
}
