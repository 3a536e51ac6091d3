/*
 * The activity chart of the dashboard: which bar stands where.
 */
#ifndef ROWHOUSE_APP_CHART_H
#define ROWHOUSE_APP_CHART_H

#include "app/views.h"
#include "engine/engine.h"

/* Fills the columns of the CHART_DAYS days up to `now_ns` (real time) from the
 * counts that writes keep. Strings are in the arena. */
int chart_fill(struct reader *r, int64_t now_ns, struct arena *arena, struct chart_view *ret,
               struct err *e);

#endif
