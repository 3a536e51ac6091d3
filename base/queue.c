/*
 * The queue is a stack that producers push onto by compare-and-swap. The
 * consumer takes the whole of it by one exchange and turns it round. As single
 * nodes are never popped, a node that comes back (ABA) can do no harm.
 */
#include "base/queue.h"

#include <stdatomic.h>

bool mpsc_push(struct mpsc *q, struct mpsc_node *node)
{
    struct mpsc_node *newest = atomic_load_explicit(&q->newest, memory_order_relaxed);
    do {
        node->next = newest;
    } while (!atomic_compare_exchange_weak_explicit(&q->newest, &newest, node, memory_order_release,
                                                    memory_order_relaxed));
    return newest == NULL;
}

struct mpsc_node *mpsc_take_all(struct mpsc *q)
{
    struct mpsc_node *newest = atomic_exchange_explicit(&q->newest, NULL, memory_order_acquire);
    struct mpsc_node *oldest = NULL;
    while (newest) {
        struct mpsc_node *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}
