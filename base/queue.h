/*
 * A queue from many producers to one consumer, without a lock.
 *
 * Intrusive: the node is a member of what is queued, which its producer gives
 * up with the push and the consumer owns after the take. The order is that of
 * the pushes.
 */
#ifndef ROWHOUSE_BASE_QUEUE_H
#define ROWHOUSE_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct mpsc_node {
    struct mpsc_node *next;
};

struct mpsc {
    _Atomic(struct mpsc_node *) newest; /* NULL: empty */
};

#define MPSC_INIT                                                                                  \
    {                                                                                              \
        NULL                                                                                       \
    }

/* The object of `type` whose `member` is the node. */
#define mpsc_entry(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Any thread. True where the queue was empty: the consumer must be woken. */
bool mpsc_push(struct mpsc *q, struct mpsc_node *node);

/* The consumer only: everything queued so far, oldest first, linked by `next`;
 * NULL where there is nothing. */
struct mpsc_node *mpsc_take_all(struct mpsc *q);

#endif
