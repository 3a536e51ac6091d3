/*
 * The activity chart of the dashboard. See chart.h.
 *
 * A bar is three pieces that stand on one another: added, changed, deleted.
 * The template draws them as they are here; CSS gives the colours.
 */
#include "app/chart.h"

#include "app/app_sql.h"
#include "app/show.h"

enum {
    DAY_BYTES = sizeof "2026-11-23" - 1,
    PIECE_MIN = 14,
    TALLEST = CHART_HEIGHT - 3 * PIECE_MIN
};

static const int64_t day_ns = 24 * 3600 * NS_PER_S;

static int64_t total(const struct chart_day *d)
{
    return d->created + d->updated + d->deleted;
}

/* A piece of n changes that stands on *top, which it moves up. */
static void place(int64_t n, int64_t most, int *top, int *ret_y, int *ret_h)
{
    if (n <= 0)
        return;
    int h = (int)((double)n / (double)most * TALLEST);
    *ret_h = h < PIECE_MIN ? PIECE_MIN : h;
    *ret_y = *top -= *ret_h;
}

static void draw(struct chart_view *c)
{
    for (int i = 0; i < CHART_DAYS; i++) {
        struct chart_day *d = &c->days[i];
        int top = CHART_HEIGHT;
        d->x = i * CHART_STEP;
        place(d->created, c->most, &top, &d->created_y, &d->created_h);
        place(d->updated, c->most, &top, &d->updated_y, &d->updated_h);
        place(d->deleted, c->most, &top, &d->deleted_y, &d->deleted_h);
    }
}

static void add(struct chart_view *c, struct chart_day *d, const struct activity_since_row *row)
{
    d->created = row->created;
    d->updated = row->updated;
    d->deleted = row->deleted;
    c->total += total(d);
    if (total(d) <= c->most)
        return;
    c->most = total(d);
    c->busiest = d->name;
}

int chart_fill(struct reader *r, int64_t now_ns, struct arena *arena, struct chart_view *ret,
               struct err *e)
{
    char dates[CHART_DAYS][RFC3339_BYTES];
    *ret = (struct chart_view){.busiest = STR("")};
    for (int i = 0; i < CHART_DAYS; i++) {
        struct str date = rfc3339_format(now_ns - (CHART_DAYS - 1 - i) * day_ns, dates[i]);
        ret->days[i].name = show_day(arena, date);
    }

    struct activity_since_args since = {.day = str_make(dates[0], DAY_BYTES), .bound = CHART_DAYS};
    struct activity_since_iter rows;
    struct activity_since_row row;
    int rc = activity_since_begin(r, &since, &rows, e);
    for (int i = 0; rc == 0 && (rc = activity_since_next(&rows, &row, e)) > 0; rc = 0) {
        while (i < CHART_DAYS && str_cmp(str_make(dates[i], DAY_BYTES), row.day) < 0)
            i++;
        if (i < CHART_DAYS && str_eq(str_make(dates[i], DAY_BYTES), row.day))
            add(ret, &ret->days[i], &row);
    }
    activity_since_end(&rows);
    draw(ret);
    return rc;
}
