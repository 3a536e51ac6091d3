/* Events: who sees which, in what order, after what gap. */
#include "engine/feed.h"
#include "test/unit/engine/engine_fixture.h"

enum { PUBLISHED = 3000, READERS = 4 };

static int hub_setup(void **state)
{
    struct feed_hub *h = NULL;
    int rc = feed_hub_open(&h, NULL);
    *state = h;
    return rc;
}

static int hub_teardown(void **state)
{
    feed_hub_close(*state);
    return 0;
}

static const struct feed_source database = {1, 1};

static void count_wake(void *ctx)
{
    atomic_fetch_add((_Atomic int *)ctx, 1);
}

static void publish(struct feed_hub *h, const char *tenant, int n)
{
    struct tenant_name t = fixture_name(tenant);
    struct feed_event *first = NULL, **last = &first;
    for (int i = 0; i < n; i++) {
        char data[16];
        int bytes = snprintf(data, sizeof data, "%d", i);
        *last = feed_event_new(STR("item.created"), (struct str){data, (size_t)bytes});
        assert_non_null(*last);
        last = &(*last)->next;
    }
    feed_publish(h, &t, database, first);
}

static struct feed_subscription *subscribe(struct feed_hub *h, const char *tenant, const char *id,
                                           _Atomic int *wakes, bool *ret_gap)
{
    struct tenant_name t = fixture_name(tenant);
    struct feed_subscription *sub = NULL;
    assert_ok(feed_hub_subscribe(h, &t, str_from(id), count_wake, wakes, &sub, ret_gap, e));
    return sub;
}

/* Takes all there is; the last one's id into `id`, its data as the answer. */
static int take_all(struct feed_subscription *sub, int *ret_n, char id[40], bool *ret_gap)
{
    int last = -1;
    struct feed_event *ev;
    *ret_n = 0;
    while ((ev = feed_next(sub, ret_gap))) {
        char data[16] = "";
        memcpy(data, ev->data.p, ev->data.n);
        last = atoi(data);
        snprintf(id, sizeof ev->id, "%s", ev->id);
        (*ret_n)++;
        assert_true(str_eq(ev->type, STR("item.created")));
        feed_event_unref(ev);
    }
    return last;
}

static void test_a_subscriber_sees_what_comes(void **state)
{
    struct feed_hub *h = *state;
    _Atomic int wakes = 0;
    bool gap = true;
    char id[40];
    int n;
    publish(h, "acme", 3); /* before it came: not for it */
    struct feed_subscription *sub = subscribe(h, "acme", "", &wakes, &gap);
    assert_false(gap);
    assert_null(feed_next(sub, &gap));
    publish(h, "acme", 2);
    publish(h, "acme", 5);
    publish(h, "other", 5);
    assert_int_equal(wakes, 1); /* until it has taken all */
    assert_int_equal(take_all(sub, &n, id, &gap), 4);
    assert_int_equal(n, 7);
    publish(h, "acme", 1);
    assert_int_equal(wakes, 2);
    assert_false(gap);
    feed_unsubscribe(sub);
    publish(h, "acme", 1);
    assert_int_equal(wakes, 2);
    feed_unsubscribe(NULL);
}

static void test_resuming(void **state)
{
    struct feed_hub *h = *state;
    _Atomic int wakes = 0;
    bool gap = false;
    char id[40], id2[40];
    int n;
    struct feed_subscription *sub = subscribe(h, "acme", "", &wakes, &gap);
    publish(h, "acme", 10);
    take_all(sub, &n, id, &gap);
    feed_unsubscribe(sub);
    publish(h, "acme", 4); /* while it was away */
    sub = subscribe(h, "acme", id, &wakes, &gap);
    assert_false(gap);
    assert_int_equal(take_all(sub, &n, id2, &gap), 3);
    assert_int_equal(n, 4);
    assert_string_not_equal(id, id2);
    feed_unsubscribe(sub);
    sub = subscribe(h, "acme", id2, &wakes, &gap); /* nothing was missed */
    assert_false(gap);
    assert_null(feed_next(sub, &gap));
    assert_false(gap);
    feed_unsubscribe(sub);
}

static void test_gaps(void **state)
{
    struct feed_hub *h = *state;
    static const char *const foreign[] = {"x", "0000000000000000-1", "-", "99999999999999999999"};
    _Atomic int wakes = 0;
    bool gap = false;
    char id[40], other[40];
    int n;
    struct feed_subscription *sub = subscribe(h, "acme", "", &wakes, &gap);
    publish(h, "acme", 1);
    take_all(sub, &n, id, &gap);
    publish(h, "acme", FEED_RING_EVENTS + 10); /* more than is held */
    int last = take_all(sub, &n, other, &gap);
    assert_true(gap);
    assert_int_equal(n, FEED_RING_EVENTS);
    assert_int_equal(last, FEED_RING_EVENTS + 9);
    feed_unsubscribe(sub);
    feed_unsubscribe(subscribe(h, "acme", id, &wakes, &gap)); /* is not held any more */
    assert_true(gap);
    feed_unsubscribe(subscribe(h, "other", other, &wakes, &gap)); /* of another tenant */
    assert_true(gap);
    for (size_t i = 0; i < COUNT_OF(foreign); i++) {
        gap = false;
        feed_unsubscribe(subscribe(h, "acme", foreign[i], &wakes, &gap));
        assert_true(gap);
    }
}

static void test_memory_is_bounded(void **state)
{
    struct feed_hub *h = *state;
    struct tenant_name t = fixture_name("acme");
    static char big[FEED_RING_BYTES / 3];
    _Atomic int wakes = 0;
    bool gap = false;
    char id[40];
    struct feed_subscription *sub = subscribe(h, "acme", "", &wakes, &gap);
    for (int i = 0; i < 10; i++)
        feed_publish(h, &t, database, feed_event_new(STR("big"), (struct str){big, sizeof big}));
    int held = 0;
    struct feed_event *ev;
    while ((ev = feed_next(sub, &gap))) {
        held++;
        feed_event_unref(ev);
    }
    assert_int_equal(held, 2);
    assert_true(gap);
    feed_unsubscribe(sub);
    assert_null(feed_event_new(STR("huge"), (struct str){big, FEED_RING_BYTES + 1}));

    /* Rings that nobody watches go, the oldest first; a watched one stays. */
    sub = subscribe(h, "watched", "", &wakes, &gap);
    publish(h, "watched", 1);
    for (int i = 0; i < FEED_SHARDS * FEED_SHARD_IDLE_RINGS * 2; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", i);
        publish(h, name, 1);
    }
    gap = false;
    int n;
    take_all(sub, &n, id, &gap);
    assert_int_equal(n, 1);
    assert_false(gap);
    feed_unsubscribe(sub);
}

struct watcher {
    struct feed_hub *h;
    pthread_t thread;
    sem_t woken;
    bool ordered;
    int seen;
};

static void wake_watcher(void *ctx)
{
    sem_post(&((struct watcher *)ctx)->woken);
}

static void *watch(void *arg)
{
    struct watcher *w = arg;
    struct tenant_name t = fixture_name("acme");
    struct feed_subscription *sub = NULL;
    bool gap = false, ended = false;
    unsigned long long last = 0;
    if (feed_hub_subscribe(w->h, &t, STR(""), wake_watcher, w, &sub, &gap, NULL))
        return NULL;
    w->ordered = true;
    while (!ended) {
        sem_wait(&w->woken);
        struct feed_event *ev;
        while ((ev = feed_next(sub, &gap))) {
            unsigned long long number = strtoull(strchr(ev->id, '-') + 1, NULL, 10);
            w->ordered &= number > last;
            last = number;
            w->seen++;
            ended = str_eq(ev->data, STR("999"));
            feed_event_unref(ev);
        }
    }
    feed_unsubscribe(sub);
    return NULL;
}

static void test_many_threads(void **state)
{
    struct feed_hub *h = *state;
    struct watcher watchers[READERS];
    for (int i = 0; i < READERS; i++) {
        watchers[i] = (struct watcher){.h = h};
        sem_init(&watchers[i].woken, 0, 0);
        pthread_create(&watchers[i].thread, NULL, watch, &watchers[i]);
    }
    for (int i = 0; i < PUBLISHED; i++)
        publish(h, "acme", 1 + i % 3);
    for (int i = 0; i < READERS; i++) { /* until each has seen an end, however late it came */
        struct timespec now;
        do {
            publish(h, "acme", 1000);
            clock_gettime(CLOCK_REALTIME, &now);
            now.tv_nsec += 1000000;
            now.tv_sec += now.tv_nsec / 1000000000;
            now.tv_nsec %= 1000000000;
        } while (pthread_timedjoin_np(watchers[i].thread, NULL, &now));
        assert_true(watchers[i].ordered);
        assert_true(watchers[i].seen > 0);
    }
}

static void wake_nothing(void *ctx)
{
    (void)ctx;
}

/* Through the engine: what is acknowledged is told, what failed is not. */
static void test_events_of_writes(void **state)
{
    struct engine_fixture *x = *state;
    struct engine *en = start(x);
    struct tenant_name t = fixture_name("acme");
    struct feed_subscription *sub = NULL;
    bool gap = false;
    assert_ok(feed_subscribe(en, &t, STR(""), wake_nothing, NULL, &sub, &gap, e));
    assert_int_equal(do_write(en, "acme", "INSERT INTO row VALUES (1, 'one')"), 0);
    assert_int_equal(do_write(en, "acme", "INSERT INTO row VALUES (1, 'again')"), ERR_CONFLICT);
    assert_int_equal(do_write(en, "acme", "INSERT INTO row VALUES (2, 'two')"), 0);
    const char *expected[] = {"INSERT INTO row VALUES (1, 'one')",
                              "INSERT INTO row VALUES (2, 'two')"};
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        struct feed_event *ev = feed_next(sub, &gap);
        assert_non_null(ev);
        assert_true(str_eq(ev->data, str_from(expected[i])));
        feed_event_unref(ev);
    }
    assert_null(feed_next(sub, &gap));
    feed_unsubscribe(sub);
}

/* A tenant that was deleted and made again gets nothing of the one before. */
static void test_another_database(void **state)
{
    struct feed_hub *h = *state;
    struct tenant_name t = fixture_name("acme");
    const struct feed_source next = {1, 2};
    _Atomic int wakes = 0;
    bool gap = false;
    int n;
    char id[40] = "";
    struct feed_subscription *sub = subscribe(h, "acme", "", &wakes, &gap);
    publish(h, "acme", 3);
    struct feed_event *first = feed_next(sub, &gap);
    char first_id[40];
    strcpy(first_id, first->id);
    feed_event_unref(first);
    feed_bind(h, &t, next);
    assert_false(gap);
    take_all(sub, &n, id, &gap);
    assert_int_equal(n, 0);
    assert_true(gap);
    feed_unsubscribe(sub);

    gap = false;
    sub = subscribe(h, "acme", first_id, &wakes, &gap);
    assert_true(gap);
    feed_publish(h, &t, next, feed_event_new(STR("item.created"), STR("7")));
    assert_int_equal(take_all(sub, &n, id, &gap), 7);
    assert_int_equal(n, 1);
    feed_unsubscribe(sub);
}

#define HUB_TEST(f) cmocka_unit_test_setup_teardown(f, hub_setup, hub_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(test_a_subscriber_sees_what_comes),
        HUB_TEST(test_resuming),
        HUB_TEST(test_gaps),
        HUB_TEST(test_memory_is_bounded),
        HUB_TEST(test_many_threads),
        HUB_TEST(test_another_database),
        cmocka_unit_test_setup_teardown(test_events_of_writes, engine_setup, engine_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
