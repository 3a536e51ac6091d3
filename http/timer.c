/*
 * Slot = tick of the due time modulo the number of slots. A timer further away
 * than one turn of the wheel stays in its slot until its turn has come.
 */
#include "http/timer.h"

#include <assert.h>

void timer_wheel_init(struct timer_wheel *w, int64_t now_ns)
{
    *w = (struct timer_wheel){.tick = now_ns / TIMER_TICK_NS};
}

static unsigned slot_of(int64_t tick)
{
    return (unsigned)((uint64_t)tick % TIMER_SLOTS);
}

void timer_cancel(struct timer_wheel *w, struct timer *t)
{
    if (!t->link)
        return;
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    t->link = NULL;
    w->count--;
}

void timer_set(struct timer_wheel *w, struct timer *t, int64_t due_ns)
{
    assert(t->fire);
    timer_cancel(w, t);
    int64_t tick = due_ns / TIMER_TICK_NS + 1;
    if (tick <= w->tick)
        tick = w->tick + 1;
    unsigned slot = slot_of(tick);
    t->due_ns = due_ns;
    t->next = w->slots[slot];
    if (t->next)
        t->next->link = &t->next;
    t->link = &w->slots[slot];
    w->slots[slot] = t;
    w->used[slot / 64] |= UINT64_C(1) << (slot % 64);
    w->count++;
}

void timer_set_earlier(struct timer_wheel *w, struct timer *t, int64_t due_ns)
{
    if (!t->link || due_ns < t->due_ns)
        timer_set(w, t, due_ns);
}

/* Fires what is due in one slot. They are moved to a list of their own first,
 * as firing may put timers into the same slot, or cancel others of it. */
static void fire_slot(struct timer_wheel *w, unsigned slot, int64_t now_ns)
{
    struct timer *due = NULL;
    for (struct timer *t = w->slots[slot], *next; t; t = next) {
        next = t->next;
        if (t->due_ns > now_ns)
            continue;
        timer_cancel(w, t);
        w->count++;
        t->next = due;
        if (due)
            due->link = &t->next;
        t->link = &due;
        due = t;
    }
    if (!w->slots[slot])
        w->used[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
    while (due) {
        struct timer *t = due;
        timer_cancel(w, t);
        t->fire(t);
    }
}

void timer_wheel_advance(struct timer_wheel *w, int64_t now_ns)
{
    int64_t now_tick = now_ns / TIMER_TICK_NS;
    if (now_tick - w->tick > TIMER_SLOTS)
        w->tick = now_tick - TIMER_SLOTS;
    while (w->tick < now_tick) {
        w->tick++;
        unsigned slot = slot_of(w->tick);
        if (w->used[slot / 64] & (UINT64_C(1) << (slot % 64)))
            fire_slot(w, slot, now_ns);
    }
}

int timer_wheel_wait_ms(const struct timer_wheel *w, int64_t now_ns)
{
    if (w->count == 0)
        return -1;
    for (int64_t ahead = 1; ahead <= TIMER_SLOTS; ahead++) {
        unsigned slot = slot_of(w->tick + ahead);
        if (!(w->used[slot / 64] & (UINT64_C(1) << (slot % 64))))
            continue;
        int64_t wait = (w->tick + ahead) * TIMER_TICK_NS - now_ns;
        return wait <= 0 ? 0 : (int)((wait + NS_PER_MS - 1) / NS_PER_MS);
    }
    return (int)(TIMER_SLOTS * TIMER_TICK_NS / NS_PER_MS);
}
