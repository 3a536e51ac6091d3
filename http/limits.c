/*
 * Connections are counted exactly, in a table that holds only addresses with
 * an open connection. Creations are counted by the minute in a fixed table,
 * where two addresses that share a slot take turns: the later one begins at
 * zero. That errs towards letting through, and only for who has many addresses.
 */
#include "http/limits.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"

void limits_init(struct limits *l, int64_t connections_max, int64_t per_address,
                 int64_t create_rate)
{
    memset(l, 0, sizeof *l);
    pthread_mutex_init(&l->lock, NULL);
    randombytes_buf(l->seed, sizeof l->seed);
    l->connections_max = connections_max;
    l->per_address = per_address;
    l->create_rate = create_rate;
}

void limits_free(struct limits *l)
{
    for (size_t i = 0; i < LIMITS_SLOTS; i++) {
        while (l->slots[i]) {
            struct limit_entry *entry = l->slots[i];
            l->slots[i] = entry->next;
            free(entry);
        }
    }
    pthread_mutex_destroy(&l->lock);
}

/* What is counted as one client: an IPv4 address, or the /64 of an IPv6 one. */
static void prefix_of(const struct in6_addr *a, uint64_t prefix[2])
{
    memcpy(prefix, a, 2 * sizeof *prefix);
    if (!IN6_IS_ADDR_V4MAPPED(a))
        prefix[1] = 0;
}

static uint64_t hash_of(const struct limits *l, const uint64_t prefix[2])
{
    uint64_t hash;
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)prefix, 16, l->seed);
    return hash;
}

static int64_t effective(int64_t setting, bool local, int64_t remote_standard)
{
    if (setting >= 0)
        return setting;
    return local ? 0 : remote_standard;
}

static struct limit_entry **find_locked(struct limits *l, const uint64_t prefix[2])
{
    struct limit_entry **link = &l->slots[hash_of(l, prefix) % LIMITS_SLOTS];
    while (*link && memcmp((*link)->prefix, prefix, 16) != 0)
        link = &(*link)->next;
    return link;
}

static bool count_address(struct limits *l, const struct in6_addr *a, int64_t max)
{
    uint64_t prefix[2];
    prefix_of(a, prefix);
    pthread_mutex_lock(&l->lock);
    struct limit_entry **link = find_locked(l, prefix);
    if (!*link && (*link = fault_calloc(1, sizeof **link)) != NULL)
        memcpy((*link)->prefix, prefix, 16);
    bool ok = *link && (*link)->count < max;
    if (ok)
        (*link)->count++;
    pthread_mutex_unlock(&l->lock);
    return ok;
}

bool limits_connect(struct limits *l, const struct in6_addr *a, bool local)
{
    int64_t max = effective(l->per_address, local, LIMITS_REMOTE_CONNECTIONS);
    int64_t before = atomic_fetch_add(&l->connections, 1);
    if ((l->connections_max && before >= l->connections_max) ||
        (max && !count_address(l, a, max))) {
        atomic_fetch_sub(&l->connections, 1);
        return false;
    }
    return true;
}

void limits_disconnect(struct limits *l, const struct in6_addr *a, bool local)
{
    atomic_fetch_sub(&l->connections, 1);
    if (effective(l->per_address, local, LIMITS_REMOTE_CONNECTIONS) == 0)
        return;
    uint64_t prefix[2];
    prefix_of(a, prefix);
    pthread_mutex_lock(&l->lock);
    struct limit_entry **link = find_locked(l, prefix), *entry = *link;
    if (entry && --entry->count == 0) {
        *link = entry->next;
        free(entry);
    }
    pthread_mutex_unlock(&l->lock);
}

bool limits_create(struct limits *l, const struct in6_addr *a, bool local, int64_t now_ns)
{
    int64_t max = effective(l->create_rate, local, LIMITS_REMOTE_CREATIONS);
    if (max == 0)
        return true;
    uint64_t prefix[2];
    prefix_of(a, prefix);
    int64_t minute = now_ns / (60 * NS_PER_S);
    pthread_mutex_lock(&l->lock);
    struct limit_creator *c = &l->creators[hash_of(l, prefix) % LIMITS_CREATORS];
    if (c->minute != minute || memcmp(c->prefix, prefix, 16) != 0) {
        *c = (struct limit_creator){.minute = minute};
        memcpy(c->prefix, prefix, 16);
    }
    bool ok = c->count < max;
    if (ok)
        c->count++;
    pthread_mutex_unlock(&l->lock);
    return ok;
}
