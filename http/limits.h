/*
 * Limits by client address: open connections, and tenants made a minute.
 *
 * An IPv6 client is its /64, as one customer has at least that. Any thread;
 * each table has its own lock, held for a few instructions.
 */
#ifndef ROWHOUSE_HTTP_LIMITS_H
#define ROWHOUSE_HTTP_LIMITS_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    LIMITS_SLOTS = 4096,
    LIMITS_CREATORS = 4096,
    LIMITS_REMOTE_CONNECTIONS = 256,
    LIMITS_REMOTE_CREATIONS = 60
};

struct limit_entry {
    struct limit_entry *next;
    uint64_t prefix[2]; /* of the address */
    int64_t count;
};

struct limit_creator {
    uint64_t prefix[2];
    int64_t minute; /* the one counted in */
    int64_t count;
};

struct limits {
    pthread_mutex_t lock;
    struct limit_entry *slots[LIMITS_SLOTS]; /* open connections, hashed */
    struct limit_creator creators[LIMITS_CREATORS];
    uint8_t seed[16];
    /* -1: the standard for remote addresses, none from loopback; 0: no limit */
    int64_t per_address, create_rate;
    int64_t connections_max; /* 0: no limit */
    _Atomic int64_t connections;
};

void limits_init(struct limits *l, int64_t connections_max, int64_t per_address,
                 int64_t create_rate);
void limits_free(struct limits *l);

/* Counts one more connection; false where that is one too many. */
bool limits_connect(struct limits *l, const struct in6_addr *a, bool local);
void limits_disconnect(struct limits *l, const struct in6_addr *a, bool local);

/* Counts one more tenant made; false where that is one too many in this
 * minute. */
bool limits_create(struct limits *l, const struct in6_addr *a, bool local, int64_t now_ns);

#endif
