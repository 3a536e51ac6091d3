/*
 * Rings and subscribers. Each event has a place in its ring (a number that only
 * grows); a subscriber remembers the next place it wants, so that taking an
 * event is one step and falling behind is a comparison.
 *
 * Ids are `<start of the engine>-<number>`; numbers are the engine's, not the
 * ring's, so that a ring that was dropped and made anew repeats none.
 *
 * `wake` runs under the shard's lock: that is how feed_unsubscribe() can promise
 * that none runs any more.
 */
#include "engine/feed.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"

enum { SHARD_BUCKETS = 256, RING_ROOM_FIRST = 4 };

struct ring {
    struct tenant_name tenant;
    struct feed_source source; /* of the events; 0 while there was none */
    struct ring *hash_next;
    struct ring *newer, *older; /* among those without subscribers */
    struct feed_event **events; /* one reference each; place p is at p % room */
    size_t room;                /* a power of two, up to FEED_RING_EVENTS */
    uint64_t begin, end;        /* places held: begin <= p < end */
    size_t bytes;
    struct feed_subscription *subscribers;
};

struct feed_subscription {
    struct shard *shard;
    struct ring *ring;
    struct feed_subscription *next;
    uint64_t at; /* the place of the next event */
    bool woken;
    void (*wake)(void *ctx);
    void *ctx;
};

struct shard {
    pthread_mutex_t lock; /* guards everything in the shard */
    struct ring *buckets[SHARD_BUCKETS];
    struct ring *newest, *oldest; /* without subscribers */
    unsigned idle_rings;
    size_t idle_bytes;
};

struct feed_hub {
    uint64_t start;
    _Atomic uint64_t number;
    unsigned char key[crypto_shorthash_KEYBYTES];
    struct shard shards[FEED_SHARDS];
};

int feed_hub_open(struct feed_hub **ret, struct err *e)
{
    struct feed_hub *h = fault_calloc(1, sizeof *h);
    if (!h)
        return err_set(e, ERR_NOMEM, "memory is out");
    randombytes_buf(&h->start, sizeof h->start);
    randombytes_buf(h->key, sizeof h->key);
    for (size_t i = 0; i < FEED_SHARDS; i++)
        pthread_mutex_init(&h->shards[i].lock, NULL);
    *ret = h;
    return 0;
}

static size_t event_bytes(const struct feed_event *ev)
{
    return sizeof *ev + ev->type.n + ev->data.n;
}

struct feed_event *feed_event_new(struct str type, struct str data)
{
    if (type.n > FEED_RING_BYTES || data.n > FEED_RING_BYTES)
        return NULL;
    struct feed_event *ev = fault_malloc(sizeof *ev + type.n + data.n);
    if (!ev)
        return NULL;
    char *copy = (char *)(ev + 1);
    *ev = (struct feed_event){.refs = 1, .type = {copy, type.n}, .data = {copy + type.n, data.n}};
    if (type.n)
        memcpy(copy, type.p, type.n);
    if (data.n)
        memcpy(copy + type.n, data.p, data.n);
    return ev;
}

void feed_event_unref(struct feed_event *ev)
{
    if (ev && atomic_fetch_sub_explicit(&ev->refs, 1, memory_order_acq_rel) == 1)
        free(ev);
}

void feed_discard(struct feed_event *chain)
{
    while (chain) {
        struct feed_event *ev = chain;
        chain = ev->next;
        feed_event_unref(ev);
    }
}

static struct feed_event **place(struct ring *r, uint64_t p)
{
    assert(r->room > 0);
    return &r->events[p % r->room];
}

static void drop_first(struct ring *r)
{
    struct feed_event *ev = *place(r, r->begin);
    r->bytes -= event_bytes(ev);
    r->begin++;
    feed_event_unref(ev);
}

/* The order of rings without subscribers. */
static void idle_remove(struct shard *s, struct ring *r)
{
    *(r->newer ? &r->newer->older : &s->newest) = r->older;
    *(r->older ? &r->older->newer : &s->oldest) = r->newer;
    r->newer = r->older = NULL;
    s->idle_rings--;
    s->idle_bytes -= r->bytes;
}

static void idle_add(struct shard *s, struct ring *r)
{
    r->older = s->newest;
    r->newer = NULL;
    *(s->newest ? &s->newest->newer : &s->oldest) = r;
    s->newest = r;
    s->idle_rings++;
    s->idle_bytes += r->bytes;
}

static struct ring **find_place(struct feed_hub *h, const struct tenant_name *t,
                                struct shard **ret_shard)
{
    unsigned char hash[crypto_shorthash_BYTES];
    crypto_shorthash(hash, (const unsigned char *)t->s, t->n, h->key);
    struct shard *s = &h->shards[hash[0] % FEED_SHARDS];
    struct ring **p = &s->buckets[hash[1] % SHARD_BUCKETS];
    pthread_mutex_lock(&s->lock);
    while (*p && !str_eq(tenant_name_str(&(*p)->tenant), tenant_name_str(t)))
        p = &(*p)->hash_next;
    *ret_shard = s;
    return p;
}

/* The ring, made where there is none (NULL: memory is out), taken out of the
 * order of idle ones. The shard is locked afterwards in any case. */
static struct ring *ring_enter(struct feed_hub *h, const struct tenant_name *t,
                               struct shard **ret_shard)
{
    struct ring **slot = find_place(h, t, ret_shard);
    struct ring *r = *slot;
    if (r) {
        if (!r->subscribers)
            idle_remove(*ret_shard, r);
        return r;
    }
    r = fault_calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->tenant = *t;
    *slot = r;
    return r;
}

static void ring_free(struct ring *r)
{
    while (r->begin < r->end)
        drop_first(r);
    free(r->events);
    free(r);
}

static void ring_drop(struct feed_hub *h, struct shard *s, struct ring *r)
{
    unsigned char hash[crypto_shorthash_BYTES];
    crypto_shorthash(hash, (const unsigned char *)r->tenant.s, r->tenant.n, h->key);
    struct ring **p = &s->buckets[hash[1] % SHARD_BUCKETS];
    while (*p != r)
        p = &(*p)->hash_next;
    *p = r->hash_next;
    ring_free(r);
}

/* Ends what ring_enter() began: the oldest rings go where there are too many. */
static void ring_leave(struct feed_hub *h, struct shard *s, struct ring *r)
{
    if (r && !r->subscribers)
        idle_add(s, r);
    while (s->oldest &&
           (s->idle_rings > FEED_SHARD_IDLE_RINGS || s->idle_bytes > FEED_SHARD_IDLE_BYTES)) {
        struct ring *oldest = s->oldest;
        idle_remove(s, oldest);
        ring_drop(h, s, oldest);
    }
    pthread_mutex_unlock(&s->lock);
}

static void ring_grow(struct ring *r)
{
    size_t room = r->room ? r->room * 2 : RING_ROOM_FIRST;
    struct feed_event **events = fault_calloc(room, sizeof(void *));
    if (!events)
        return;
    for (uint64_t p = r->begin; p < r->end; p++)
        events[p % room] = *place(r, p);
    free(r->events);
    r->events = events;
    r->room = room;
}

/* Takes the event over. Where memory is out it takes the place of an older one,
 * or is lost: its place counts, so that who reads on sees the gap. */
static void ring_add(struct feed_hub *h, struct ring *r, struct feed_event *ev)
{
    ev->number = atomic_fetch_add_explicit(&h->number, 1, memory_order_relaxed) + 1;
    ev->next = NULL;
    snprintf(ev->id, sizeof ev->id, "%016llx-%llu", (unsigned long long)h->start,
             (unsigned long long)ev->number);
    if (r->end - r->begin == r->room && r->room < FEED_RING_EVENTS)
        ring_grow(r);
    if (r->room == 0) {
        r->begin = ++r->end;
        feed_event_unref(ev);
        return;
    }
    if (r->end - r->begin == r->room)
        drop_first(r);
    *place(r, r->end++) = ev;
    r->bytes += event_bytes(ev);
    while (r->bytes > FEED_RING_BYTES && r->end - r->begin > 1)
        drop_first(r);
}

static void wake_all(struct ring *r)
{
    for (struct feed_subscription *sub = r->subscribers; sub; sub = sub->next) {
        if (!sub->woken) {
            sub->woken = true;
            sub->wake(sub->ctx);
        }
    }
}

/* A deleted tenant's events never reach the next one of its name. */
static void ring_bind(struct ring *r, struct feed_source source)
{
    bool known = r->source.inode != 0;
    if (r->source.inode == source.inode && r->source.made_ns == source.made_ns)
        return;
    r->source = source;
    if (!known)
        return;
    while (r->begin < r->end)
        drop_first(r);
    r->begin = ++r->end; /* a place that nobody gets: the gap */
    wake_all(r);
}

void feed_bind(struct feed_hub *h, const struct tenant_name *t, struct feed_source source)
{
    struct shard *s;
    struct ring *r = *find_place(h, t, &s);
    if (r && !r->subscribers)
        idle_remove(s, r);
    if (r)
        ring_bind(r, source);
    ring_leave(h, s, r);
}

void feed_publish(struct feed_hub *h, const struct tenant_name *t, struct feed_source source,
                  struct feed_event *chain)
{
    if (!chain)
        return;
    struct shard *s;
    struct ring *r = ring_enter(h, t, &s);
    if (r)
        ring_bind(r, source);
    while (chain) {
        struct feed_event *ev = chain;
        chain = ev->next;
        if (r)
            ring_add(h, r, ev);
        else
            feed_event_unref(ev); /* nobody watches: who reconnects sees a gap */
    }
    if (r)
        wake_all(r);
    ring_leave(h, s, r);
}

/* The place behind the event with that id; false where it is not held. */
static bool find_event(struct feed_hub *h, struct ring *r, struct str id, uint64_t *ret)
{
    char start[20];
    int n = snprintf(start, sizeof start, "%016llx-", (unsigned long long)h->start);
    uint64_t number;
    if (!str_starts(id, (struct str){start, (size_t)n}) ||
        !str_to_u64(str_sub(id, (size_t)n, id.n), UINT64_MAX, &number))
        return false;
    for (uint64_t p = r->begin; p < r->end; p++) {
        if ((*place(r, p))->number == number) {
            *ret = p + 1;
            return true;
        }
    }
    return false;
}

int feed_hub_subscribe(struct feed_hub *h, const struct tenant_name *t, struct str last_id,
                       void (*wake)(void *ctx), void *ctx, struct feed_subscription **ret,
                       bool *ret_gap, struct err *e)
{
    struct feed_subscription *sub = fault_calloc(1, sizeof *sub);
    if (!sub)
        return err_set(e, ERR_NOMEM, "memory is out");
    struct shard *s;
    struct ring *r = ring_enter(h, t, &s);
    if (!r) {
        pthread_mutex_unlock(&s->lock);
        free(sub);
        return err_set(e, ERR_NOMEM, "memory is out");
    }
    *sub = (struct feed_subscription){
        .shard = s, .ring = r, .next = r->subscribers, .at = r->end, .wake = wake, .ctx = ctx};
    *ret_gap = last_id.n > 0 && !find_event(h, r, last_id, &sub->at);
    r->subscribers = sub;
    *ret = sub;
    ring_leave(h, s, r);
    return 0;
}

struct feed_event *feed_next(struct feed_subscription *sub, bool *ret_gap)
{
    struct ring *r = sub->ring;
    struct feed_event *ev = NULL;
    pthread_mutex_lock(&sub->shard->lock);
    if (sub->at < r->begin) {
        *ret_gap = true;
        sub->at = r->begin;
    }
    if (sub->at < r->end) {
        ev = *place(r, sub->at++);
        atomic_fetch_add_explicit(&ev->refs, 1, memory_order_relaxed);
    } else {
        sub->woken = false;
    }
    pthread_mutex_unlock(&sub->shard->lock);
    return ev;
}

void feed_unsubscribe(struct feed_subscription *sub)
{
    if (!sub)
        return;
    struct shard *s = sub->shard;
    struct ring *r = sub->ring;
    pthread_mutex_lock(&s->lock);
    struct feed_subscription **p = &r->subscribers;
    while (*p != sub)
        p = &(*p)->next;
    *p = sub->next;
    if (!r->subscribers)
        idle_add(s, r); /* trimmed by the next who enters */
    pthread_mutex_unlock(&s->lock);
    free(sub);
}

static void shard_free(struct shard *s)
{
    for (size_t b = 0; b < SHARD_BUCKETS; b++) {
        for (struct ring *r = s->buckets[b], *next; r; r = next) {
            assert(!r->subscribers); /* a subscription outlives the engine */
            next = r->hash_next;
            ring_free(r);
        }
    }
    pthread_mutex_destroy(&s->lock);
}

void feed_hub_close(struct feed_hub *h)
{
    for (size_t i = 0; h && i < FEED_SHARDS; i++)
        shard_free(&h->shards[i]);
    free(h);
}
