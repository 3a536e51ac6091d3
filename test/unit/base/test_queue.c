/* base/queue.c */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/queue.h"
#include "test/unit/base/unit.h"

struct job {
    int number, producer;
    struct mpsc_node node;
};

static void the_first_push_wakes(void **state)
{
    (void)state;
    struct mpsc q = MPSC_INIT;
    struct job a, b;
    assert_null(mpsc_take_all(&q));
    assert_true(mpsc_push(&q, &a.node));
    assert_false(mpsc_push(&q, &b.node));
    assert_ptr_equal(mpsc_take_all(&q), &a.node);
    assert_null(mpsc_take_all(&q));
    assert_true(mpsc_push(&q, &a.node));
}

static void all_come_in_order(void **state)
{
    (void)state;
    struct mpsc q = MPSC_INIT;
    static struct job jobs[100];
    for (int i = 0; i < 100; i++) {
        jobs[i].number = i;
        mpsc_push(&q, &jobs[i].node);
    }
    int n = 0;
    for (struct mpsc_node *node = mpsc_take_all(&q); node; node = node->next)
        assert_int_equal(mpsc_entry(node, struct job, node)->number, n++);
    assert_int_equal(n, 100);
}

enum { PRODUCERS = 3, JOBS_EACH = 50000 };

static struct mpsc shared = MPSC_INIT;
static struct job jobs[PRODUCERS][JOBS_EACH];
static atomic_int wakes;

static void *produce(void *arg)
{
    struct job *mine = arg;
    for (int i = 0; i < JOBS_EACH; i++) {
        mine[i].number = i;
        mine[i].producer = (int)((mine - jobs[0]) / JOBS_EACH);
        if (mpsc_push(&shared, &mine[i].node))
            atomic_fetch_add(&wakes, 1);
    }
    return NULL;
}

/* Takes until every job was seen; returns how often there were some. */
static int consume(int next[PRODUCERS])
{
    int seen = 0, takes = 0;
    while (seen < PRODUCERS * JOBS_EACH) {
        struct mpsc_node *node = mpsc_take_all(&shared);
        takes += node != NULL;
        if (!node)
            sched_yield();
        for (; node; node = node->next) {
            const struct job *job = mpsc_entry(node, struct job, node);
            assert_int_equal(job->number, next[job->producer]++);
            seen++;
        }
    }
    return takes;
}

/* Each producer's jobs come in its order, none is lost, and for every list
 * that was taken exactly one producer was told to wake the consumer. */
static void many_producers(void **state)
{
    (void)state;
    pthread_t threads[PRODUCERS];
    int next[PRODUCERS] = {0};
    for (int i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, produce, jobs[i]), 0);
    int takes = consume(next);
    for (int i = 0; i < PRODUCERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(next[i], JOBS_EACH);
    }
    assert_int_equal(atomic_load(&wakes), takes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_push_wakes),
        cmocka_unit_test(all_come_in_order),
        cmocka_unit_test(many_producers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
