/* http/timer.c: against a plain list of due times. */
#include "http/timer.h"

#include "test/unit/base/unit.h"

enum { TIMERS = 64 };

struct model {
    struct timer timer;
    bool set;
    int fired;
};

static struct model models[TIMERS];
static struct timer_wheel wheel;
static int64_t now;

static void on_fire(struct timer *t)
{
    struct model *m = (struct model *)(void *)t;
    assert_true(m->set);
    assert_true(t->due_ns <= now);
    m->set = false;
    m->fired++;
}

static void random_walk(void **state)
{
    (void)state;
    struct unit_random r = {.state = 7};
    now = 123456789;
    timer_wheel_init(&wheel, now);
    for (int i = 0; i < TIMERS; i++)
        models[i] = (struct model){.timer.fire = on_fire};
    for (int step = 0; step < 200000; step++) {
        struct model *m = &models[unit_below(&r, TIMERS)];
        int64_t due = now + (int64_t)unit_below(&r, 40) * NS_PER_S - 5 * NS_PER_S;
        switch (unit_below(&r, 5)) {
        case 0:
            timer_set(&wheel, &m->timer, due);
            m->set = true;
            break;
        case 1:
            timer_set_earlier(&wheel, &m->timer, due);
            m->set = true;
            assert_true(m->timer.due_ns <= due);
            break;
        case 2:
            timer_cancel(&wheel, &m->timer);
            m->set = false;
            break;
        default:
            now += (int64_t)unit_below(&r, 2000) * NS_PER_MS;
            timer_wheel_advance(&wheel, now);
        }
        size_t set = 0;
        for (int i = 0; i < TIMERS; i++) {
            set += models[i].set;
            assert_int_equal(timer_is_set(&models[i].timer), models[i].set);
        }
        assert_int_equal(set, wheel.count);
    }
    /* Nothing that is due is left after two ticks. */
    now += 2 * TIMER_TICK_NS;
    timer_wheel_advance(&wheel, now);
    for (int i = 0; i < TIMERS; i++)
        assert_true(!models[i].set || models[i].timer.due_ns > now - 2 * TIMER_TICK_NS);
}

static void waits_no_longer_than_due(void **state)
{
    (void)state;
    struct model m = {.timer.fire = on_fire};
    now = NS_PER_S;
    timer_wheel_init(&wheel, now);
    assert_int_equal(timer_wheel_wait_ms(&wheel, now), -1);
    m.set = true;
    timer_set(&wheel, &m.timer, now + NS_PER_S);
    int turns = 0;
    while (m.set && turns++ < 100) {
        int wait = timer_wheel_wait_ms(&wheel, now);
        assert_in_range(wait, 0, 1200);
        now += wait * NS_PER_MS;
        timer_wheel_advance(&wheel, now);
    }
    assert_false(m.set);
    assert_in_range(now, 2 * NS_PER_S, 2 * NS_PER_S + 2 * TIMER_TICK_NS);
    assert_int_equal(timer_wheel_wait_ms(&wheel, now), -1);
}

static struct model *peer;

static void fire_and_cancel_peer(struct timer *t)
{
    timer_cancel(&wheel, &peer->timer);
    timer_set(&wheel, t, now + 5 * NS_PER_S);
}

/* Two in one slot: the one that fires cancels the other and sets itself. */
static void firing_may_change_the_slot(void **state)
{
    (void)state;
    struct model a = {.timer.fire = fire_and_cancel_peer}, b = {.timer.fire = fire_and_cancel_peer};
    struct model *both[] = {&a, &b};
    for (int order = 0; order < 2; order++) {
        now = NS_PER_S;
        timer_wheel_init(&wheel, now);
        a.timer.link = b.timer.link = NULL;
        timer_set(&wheel, &both[order]->timer, now + NS_PER_MS);
        timer_set(&wheel, &both[!order]->timer, now + NS_PER_MS);
        peer = both[order]; /* the later one is fired first or last */
        now += NS_PER_S;
        timer_wheel_advance(&wheel, now);
        assert_true(timer_is_set(&both[!order]->timer));
        assert_true(wheel.count == 1 || wheel.count == 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_walk),
        cmocka_unit_test(waits_no_longer_than_due),
        cmocka_unit_test(firing_may_change_the_slot),
    };
    return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
