/*
 * Timers of one event loop: a hashed wheel.
 *
 * A timer is a member of what it belongs to. Setting, moving and cancelling
 * take constant time; a timer fires up to one tick late. One thread.
 */
#ifndef ROWHOUSE_HTTP_TIMER_H
#define ROWHOUSE_HTTP_TIMER_H

#include <stdbool.h>

#include "base/clock.h"

enum { TIMER_SLOTS = 256 };
#define TIMER_TICK_NS (50 * NS_PER_MS)

struct timer {
    struct timer *next, **link; /* link: what points here; NULL: not set */
    int64_t due_ns;
    void (*fire)(struct timer *t);
};

struct timer_wheel {
    struct timer *slots[TIMER_SLOTS];
    uint64_t used[TIMER_SLOTS / 64]; /* which slots may hold one */
    int64_t tick;                    /* the last one that was looked at */
    size_t count;
};

static inline bool timer_is_set(const struct timer *t)
{
    return t->link != NULL;
}

void timer_wheel_init(struct timer_wheel *w, int64_t now_ns);

/* (Re)sets a timer; `fire` must have been filled in. */
void timer_set(struct timer_wheel *w, struct timer *t, int64_t due_ns);

/* As timer_set, but only where it is not set or would fire later. */
void timer_set_earlier(struct timer_wheel *w, struct timer *t, int64_t due_ns);

void timer_cancel(struct timer_wheel *w, struct timer *t);

/* Fires what is due. `fire` may set and cancel timers, also its own. */
void timer_wheel_advance(struct timer_wheel *w, int64_t now_ns);

/* Milliseconds until there may be something to fire; -1: nothing is set. */
int timer_wheel_wait_ms(const struct timer_wheel *w, int64_t now_ns);

#endif
