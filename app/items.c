/*
 * Items: what one is, and what a write of items does. See items.h.
 */
#include "app/items.h"

const struct field_rule item_rules[ITEM_FIELDS] = {
    [ITEM_NAME] = {.name = "name",
                   .max_chars = 500,
                   .required = true,
                   .says = "must be a text of 1 to 500 characters, not only white space, "
                           "without control characters"},
    [ITEM_DESCRIPTION] = {.name = "description",
                          .max_chars = 10000,
                          .lines = true,
                          .says = "must be null or a text of up to 10,000 characters, without "
                                  "control characters other than line breaks and tabs"},
};

/* Above every id, which begins with a hexadecimal digit. */
static const struct str above_all = STR_INIT("g");

static bool under_tenant(const struct request *rq)
{
    return str_starts(rq->path, STR("/tenant/"));
}

struct item_range item_range_newest(unsigned limit)
{
    return (struct item_range){.before = above_all, .limit = limit, .first = true};
}

int item_range_read(struct request *rq, unsigned standard_limit)
{
    struct item_range *range = rq->state = arena_new(rq->arena, struct item_range);
    if (!range)
        return request_fail(rq, ERR_NOMEM, "No memory for a list");
    *range = item_range_newest(standard_limit);
    int rc = request_limit(rq, standard_limit, ITEM_PAGE_MAX, &range->limit);
    if (rc == 0)
        rc = request_cursor(rq, STR(""), &range->before);
    range->first = rc == 0;
    return rc < 0 ? rc : 0;
}

int item_load(struct request *rq, struct reader *r, struct item *ret)
{
    struct item_get_row row;
    struct item_get_args by_id = {.id = rq->params[under_tenant(rq) ? 1 : 0]};
    int rc = item_get(r, &by_id, rq->arena, &row, &rq->err);
    if (rc == ERR_NOT_FOUND)
        return request_fail(rq, rc, "This tenant has no item with this id");
    if (rc == 0)
        *ret = ITEM_OF(row);
    return rc;
}

struct url item_url(struct request *rq, struct str id)
{
    if (under_tenant(rq))
        return url_path(rq->arena, STR("tenant"), tenant_name_str(&rq->tenant), STR("items"), id);
    return url_path(rq->arena, STR("api"), STR("items"), id);
}

struct str item_etag(struct request *rq, const struct item *it)
{
    const struct str parts[] = {
        tenant_name_str(&rq->tenant),
        it->id,
        it->name,
        optstr_is_some(it->description) ? STR("text") : STR("null"),
        optstr_or(it->description, STR("")),
        it->updated_at,
    };
    return etag_of(rq->arena, parts, sizeof parts / sizeof *parts);
}

void item_print(struct json *j, const struct item *it)
{
    json_object_begin(j);
    json_key(j, "id");
    json_str(j, it->id);
    json_key(j, "name");
    json_str(j, it->name);
    json_key(j, "description");
    json_optstr(j, it->description);
    json_key(j, "created_at");
    json_str(j, it->created_at);
    json_key(j, "updated_at");
    json_str(j, it->updated_at);
    json_object_end(j);
}

static int tell(struct request *rq, struct write_tx *tx, struct str event, const struct item *it)
{
    CLEANUP(buf_free) struct buf data = BUF_INIT;
    struct json j = json_to(&data);
    item_print(&j, it);
    if (!buf_ok(&data))
        return request_fail(rq, ERR_NOMEM, "No memory for an event");
    return write_tx_emit(tx, event, buf_str(&data));
}

/* What every write of items leaves behind besides the items. */
static int count(struct request *rq, struct write_tx *tx, struct activity_add_args by)
{
    struct str now = write_tx_now(tx);
    struct tenant_touch_args touch = {.more = by.created - by.deleted, .now = now};
    by.day = str_sub(now, 0, sizeof "2026-11-23" - 1);
    int rc = tenant_touch(tx, &touch, NULL, &rq->err);
    return rc < 0 ? rc : activity_add(tx, &by, NULL, &rq->err);
}

static int create(struct request *rq, struct write_tx *tx, const struct item_input *in,
                  struct item *it)
{
    char *id = arena_alloc(rq->arena, UUID_TEXT_BYTES);
    struct str now = arena_copy(rq->arena, write_tx_now(tx));
    if (!id || !now.p)
        return request_fail(rq, ERR_NOMEM, "No memory for an item");
    *it = (struct item){.id = uuid_v7(write_tx_ids(tx), id),
                        .name = optstr_or(in->fields[ITEM_NAME].value, STR("")),
                        .description = in->fields[ITEM_DESCRIPTION].value,
                        .created_at = now,
                        .updated_at = now};
    struct item_insert_args row = {
        .id = it->id, .name = it->name, .description = it->description, .now = now};
    int rc = item_insert(tx, &row, NULL, &rq->err);
    return rc < 0 ? rc : tell(rq, tx, STR("item.created"), it);
}

int items_create(struct request *rq, struct write_tx *tx, const struct item_input *in, size_t n,
                 struct item *ret)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = create(rq, tx, &in[i], &ret[i]);
    return rc < 0 ? rc : count(rq, tx, (struct activity_add_args){.created = (int64_t)n});
}

static bool same(struct optstr a, struct optstr b)
{
    return optstr_is_some(a) == optstr_is_some(b) &&
           str_eq(optstr_or(a, STR("")), optstr_or(b, STR("")));
}

int item_change(struct request *rq, struct write_tx *tx, const struct item_input *in,
                struct item *it)
{
    struct item before = *it;
    if (in->fields[ITEM_NAME].given)
        it->name = optstr_or(in->fields[ITEM_NAME].value, STR(""));
    if (in->fields[ITEM_DESCRIPTION].given)
        it->description = in->fields[ITEM_DESCRIPTION].value;
    if (str_eq(it->name, before.name) && same(it->description, before.description))
        return 0;

    it->updated_at = arena_copy(rq->arena, write_tx_now(tx));
    if (!it->updated_at.p)
        return request_fail(rq, ERR_NOMEM, "No memory for an item");
    struct item_update_args row = {
        .id = it->id, .name = it->name, .description = it->description, .now = it->updated_at};
    int rc = item_update(tx, &row, NULL, &rq->err);
    if (rc == 0)
        rc = count(rq, tx, (struct activity_add_args){.updated = 1});
    return rc < 0 ? rc : tell(rq, tx, STR("item.updated"), it);
}

int item_remove(struct request *rq, struct write_tx *tx, const struct item *it)
{
    struct item_delete_args by_id = {.id = it->id};
    int rc = item_delete(tx, &by_id, NULL, &rq->err);
    if (rc == 0)
        rc = count(rq, tx, (struct activity_add_args){.deleted = 1});
    return rc < 0 ? rc : tell(rq, tx, STR("item.deleted"), it);
}
