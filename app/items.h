/*
 * Items: the resource that this application is about.
 *
 * items.c knows what an item is and what a write of items does, whoever asks
 * for it; items_api.c answers in JSON, items_pages.c as pages.
 */
#ifndef ROWHOUSE_APP_ITEMS_H
#define ROWHOUSE_APP_ITEMS_H

#include "app/app_sql.h"
#include "app/fields.h"
#include "base/html.h"

struct item {
    struct str id, name;
    struct optstr description;
    struct str created_at, updated_at;
};

/* From a row of any query that selects an item's columns. */
#define ITEM_OF(row)                                                                               \
    ((struct item){(row).id, (row).name, (row).description, (row).created_at, (row).updated_at})

enum { ITEM_NAME, ITEM_DESCRIPTION, ITEM_FIELDS };
enum { ITEM_BATCH_MAX = 1000, ITEM_PAGE_MAX = 1000, ITEM_PAGE_STANDARD = 100 };

extern const struct field_rule item_rules[ITEM_FIELDS];

/* What a client sent for one item. */
struct item_input {
    struct field fields[ITEM_FIELDS];
    struct str version; /* ETag of the item that a form was filled from, or "" */
};

/* Which part of the list, newest first. */
struct item_range {
    struct str before; /* an id */
    unsigned limit;
    bool first; /* from the newest on */
};

struct item_range item_range_newest(unsigned limit);

/* Reads ?limit and ?cursor into a range that becomes rq->state. */
int item_range_read(struct request *rq, unsigned standard_limit);

/* The item that the path names; ERR_NOT_FOUND is set in rq. */
int item_load(struct request *rq, struct reader *r, struct item *ret);

/* /api/items/{id} or /tenant/{t}/items/{id}, whichever form the client uses. */
struct url item_url(struct request *rq, struct str id);

struct str item_etag(struct request *rq, const struct item *it);
void item_print(struct json *j, const struct item *it);

/* Writes: rows, count, activity and events in the one transaction. `ret` has a
 * place for each input; what it points at lives as long as the request. */
int items_create(struct request *rq, struct write_tx *tx, const struct item_input *in, size_t n,
                 struct item *ret);
/* Nothing is written where the item is as `in` wants it already. */
int item_change(struct request *rq, struct write_tx *tx, const struct item_input *in,
                struct item *it);
int item_remove(struct request *rq, struct write_tx *tx, const struct item *it);

/* Handlers: JSON. Where a route also has a page or takes a form, they hand over
 * to the pages'. */
int items_list_prepare(struct request *rq);
int items_list_read(struct request *rq, struct reader *r);
int item_create_prepare(struct request *rq);
int item_create_write(struct request *rq, struct write_tx *tx);
int items_batch_prepare(struct request *rq);
int items_batch_write(struct request *rq, struct write_tx *tx);
int item_get_read(struct request *rq, struct reader *r);
int item_patch_prepare(struct request *rq);
int item_patch_write(struct request *rq, struct write_tx *tx);
int item_delete_write(struct request *rq, struct write_tx *tx);

/* Handlers: pages. */
int dashboard_prepare(struct request *rq);
int dashboard_read(struct request *rq, struct reader *r);
int item_form_prepare(struct request *rq);
int item_create_form_write(struct request *rq, struct write_tx *tx);
int item_edit_form_write(struct request *rq, struct write_tx *tx);
int item_confirm_read(struct request *rq, struct reader *r);
int item_delete_form_write(struct request *rq, struct write_tx *tx);
int items_show(struct request *rq, struct reader *r, const struct item_range *range);
int item_show(struct request *rq, const struct item *it);

#endif
