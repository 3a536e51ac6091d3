/*
 * What the templates show: one struct a page, filled by the handlers.
 *
 * A template can only print these types, and each only where it is safe; see
 * base/html.h. All is borrowed from the request's arena or its body. A view
 * may also point at rows of a query (app_sql.h).
 */
#ifndef ROWHOUSE_APP_VIEWS_H
#define ROWHOUSE_APP_VIEWS_H

#include "app/app_sql.h"
#include "app/assets.h"
#include "base/html.h"

/* What surrounds every page. */
struct frame {
    struct str title;
    struct optstr tenant; /* the page belongs to this one */
    struct optstr here;   /* where in the tenant, for the path at the top */
};

/* A time for machines and for people, or two empty strings. */
struct moment {
    struct str iso, text;
};

/* A form's field: what was typed, and what is wrong with it. */
struct field_view {
    struct str value;
    struct optstr wrong;
};

struct item_form {
    struct field_view name, description;
    struct str version; /* of the item that it changes */
};

struct item_view {
    struct str id, name;
    struct optstr description;
    struct moment created, updated;
};

/* One page of a tenant's items, newest first. */
struct item_list {
    struct str tenant;
    const struct item_view *items;
    size_t n;
    bool first;       /* nothing is newer */
    struct url older; /* empty where nothing is */
};

/* A day's column of the chart, in units of the viewBox, from the top. */
struct chart_day {
    struct str name; /* "23 Nov" */
    int64_t created, updated, deleted;
    int x, created_y, created_h, updated_y, updated_h, deleted_y, deleted_h;
};

enum { CHART_DAYS = 30, CHART_STEP = 10, CHART_BAR = 7, CHART_HEIGHT = 1000 };

struct chart_view {
    struct chart_day days[CHART_DAYS]; /* the oldest first */
    struct str busiest;                /* name of the day with the most */
    int64_t most, total;
};

struct facts_view {
    struct str file, size, wal, state;
    unsigned schema_version, connections;
};

struct dashboard_view {
    struct frame frame;
    struct str tenant, count, size;
    struct moment created, last_activity;
    struct chart_view chart;
    struct item_list list;
    struct item_form form;
    struct facts_view facts;
};

struct items_view {
    struct frame frame;
    struct str tenant, count;
    struct item_list list;
};

struct item_page_view {
    struct frame frame;
    struct str tenant;
    struct item_view item;
    struct item_form form;
    bool outdated; /* somebody else changed the item meanwhile */
};

struct tenant_row {
    struct str name, count, size;
    struct moment last_activity;
    struct optstr trouble; /* why its numbers are missing */
};

struct tenants_view {
    struct frame frame;
    struct str count, search;
    const struct tenant_row *rows;
    size_t n;
    bool first;
    struct url next;
    bool may_create;
    struct field_view name;
};

struct error_row {
    struct str field, message;
};

struct error_view {
    struct frame frame;
    int status;
    struct str heading, detail, advice, request_id;
    const struct error_row *rows;
    size_t n;
};

#endif
