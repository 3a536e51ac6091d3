/*
 * A hash table of tenants and two lists through them: the open ones by last
 * use, the failed ones by time. A list's member is claimed (owned) under its
 * own lock while the registry's is held, so nobody takes it at the same time.
 */
#include "engine/registry.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fault.h"

int registry_init(struct registry *r, unsigned open_max, struct err *e)
{
    *r = (struct registry){.reserved_max = open_max};
    r->buckets = fault_calloc(REGISTRY_BUCKETS, sizeof(void *));
    if (!r->buckets)
        return err_set(e, ERR_NOMEM, "memory is out");
    randombytes_buf(r->key, sizeof r->key);
    pthread_mutex_init(&r->lock, NULL);
    return 0;
}

void registry_free(struct registry *r)
{
    if (!r->buckets)
        return;
    for (size_t i = 0; i < REGISTRY_BUCKETS; i++)
        assert(!r->buckets[i]);
    free(r->buckets);
    r->buckets = NULL;
    pthread_mutex_destroy(&r->lock);
}

static struct tenant **bucket(struct registry *r, const struct tenant_name *name)
{
    unsigned char hash[crypto_shorthash_BYTES];
    _Static_assert(crypto_shorthash_KEYBYTES == sizeof r->key, "the key fits the hash");
    crypto_shorthash(hash, (const unsigned char *)name->s, name->n, r->key);
    return &r->buckets[(hash[0] | (unsigned)hash[1] << 8) % REGISTRY_BUCKETS];
}

static struct tenant **find_place(struct registry *r, const struct tenant_name *name)
{
    struct tenant **p = bucket(r, name);
    while (*p && ((*p)->name.n != name->n || memcmp((*p)->name.s, name->s, name->n) != 0))
        p = &(*p)->hash_next;
    return p;
}

static struct tenant *tenant_new(const struct tenant_name *name)
{
    struct tenant *t = fault_calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->name = *name;
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

static void tenant_free(struct tenant *t)
{
    assert(t->state == TENANT_ABSENT && t->listed == LISTED_NOT && !t->owned);
    assert(!t->writes.n && !t->reads.n && !t->queued[WORKER_WRITE] && !t->queued[WORKER_READ]);
    assert(tenant_invariant(t));
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static void order_remove(struct tenant_order *o, struct tenant *t)
{
    *(t->newer ? &t->newer->older : &o->newest) = t->older;
    *(t->older ? &t->older->newer : &o->oldest) = t->newer;
    t->newer = t->older = NULL;
    t->listed = LISTED_NOT;
    o->n--;
}

static void order_add(struct tenant_order *o, struct tenant *t, enum tenant_listed listed)
{
    t->older = o->newest;
    t->newer = NULL;
    *(o->newest ? &o->newest->newer : &o->oldest) = t;
    o->newest = t;
    t->listed = listed;
    o->n++;
}

static void unlist_locked(struct registry *r, struct tenant *t)
{
    if (t->listed != LISTED_NOT)
        order_remove(t->listed == LISTED_OPEN ? &r->open : &r->failed, t);
}

static void use_locked(struct registry *r, struct tenant *t)
{
    t->used_ns = clock_mono_ns();
    if (t->listed == LISTED_OPEN && r->open.newest != t) {
        order_remove(&r->open, t);
        order_add(&r->open, t, LISTED_OPEN);
    }
}

void tenant_ref(struct tenant *t)
{
    unsigned before = atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    assert(before > 0);
}

struct tenant *registry_take(struct registry *r, const struct tenant_name *name, bool use)
{
    pthread_mutex_lock(&r->lock);
    struct tenant **place = find_place(r, name);
    if (!*place)
        *place = tenant_new(name);
    struct tenant *t = *place;
    if (t) {
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
        if (use)
            use_locked(r, t);
    }
    pthread_mutex_unlock(&r->lock);
    return t;
}

struct tenant *registry_find(struct registry *r, const struct tenant_name *name)
{
    pthread_mutex_lock(&r->lock);
    struct tenant *t = *find_place(r, name);
    if (t)
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    pthread_mutex_unlock(&r->lock);
    return t;
}

void registry_unref(struct registry *r, struct tenant *t)
{
    /* Not the last one: no lock is needed. */
    unsigned refs = atomic_load_explicit(&t->refs, memory_order_relaxed);
    while (refs > 1) {
        if (atomic_compare_exchange_weak_explicit(&t->refs, &refs, refs - 1, memory_order_release,
                                                  memory_order_relaxed))
            return;
    }
    pthread_mutex_lock(&r->lock);
    bool last = atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1;
    if (last)
        *find_place(r, &t->name) = t->hash_next;
    pthread_mutex_unlock(&r->lock);
    if (last)
        tenant_free(t);
}

/* Takes the ownership of a listed tenant that nothing uses at this moment. */
static bool claim_locked(struct registry *r, struct tenant *t, bool with_jobs, int64_t now_ns)
{
    pthread_mutex_lock(&t->lock);
    bool idle = !t->owned && (with_jobs || (!t->writes.n && !t->reads.n));
    if (t->state == TENANT_FAILED)
        idle = idle && now_ns >= t->retry_at_ns;
    else
        idle = idle && t->state == TENANT_READY && !t->readers_busy;
    if (idle)
        t->owned = true;
    pthread_mutex_unlock(&t->lock);
    if (idle) {
        tenant_ref(t);
        unlist_locked(r, t);
    }
    return idle;
}

/* The least recently used open tenant that can be closed now, by preference one
 * that nobody waits for: those who wait would have it opened again. */
static struct tenant *victim_locked(struct registry *r)
{
    for (int with_jobs = 0; with_jobs < 2; with_jobs++) {
        struct tenant *t = r->open.oldest;
        for (int i = 0; t && i < REGISTRY_LOOK_AT; i++, t = t->newer) {
            if (claim_locked(r, t, with_jobs, 0))
                return t;
        }
    }
    return NULL;
}

struct tenant *registry_reserve(struct registry *r)
{
    pthread_mutex_lock(&r->lock);
    r->reserved++;
    struct tenant *t = r->reserved > r->reserved_max ? victim_locked(r) : NULL;
    pthread_mutex_unlock(&r->lock);
    return t;
}

void registry_unreserve(struct registry *r)
{
    pthread_mutex_lock(&r->lock);
    assert(r->reserved > 0);
    r->reserved--;
    pthread_mutex_unlock(&r->lock);
}

void registry_opened(struct registry *r, struct tenant *t)
{
    pthread_mutex_lock(&r->lock);
    t->used_ns = clock_mono_ns();
    order_add(&r->open, t, LISTED_OPEN);
    pthread_mutex_unlock(&r->lock);
}

struct tenant *registry_failed(struct registry *r, struct tenant *t)
{
    pthread_mutex_lock(&r->lock);
    order_add(&r->failed, t, LISTED_FAILED);
    struct tenant *oldest = r->failed.oldest;
    if (r->failed.n <= REGISTRY_FAILED_MAX || !claim_locked(r, oldest, false, INT64_MAX))
        oldest = NULL;
    pthread_mutex_unlock(&r->lock);
    return oldest;
}

void registry_unlist(struct registry *r, struct tenant *t)
{
    pthread_mutex_lock(&r->lock);
    unlist_locked(r, t);
    pthread_mutex_unlock(&r->lock);
}

static struct tenant *expired_failure_locked(struct registry *r, int64_t now_ns)
{
    struct tenant *t = r->failed.oldest;
    return t && claim_locked(r, t, false, now_ns) ? t : NULL;
}

static struct tenant *unused_locked(struct registry *r, int64_t unused_since_ns)
{
    for (int i = 0; i < REGISTRY_LOOK_AT; i++) {
        struct tenant *t = r->open.oldest;
        if (!t || t->used_ns > unused_since_ns)
            return NULL;
        if (claim_locked(r, t, false, 0))
            return t;
        use_locked(r, t); /* it has jobs: that is a use */
    }
    return NULL;
}

struct tenant *registry_expired(struct registry *r, int64_t unused_since_ns, int64_t now_ns)
{
    pthread_mutex_lock(&r->lock);
    struct tenant *t = expired_failure_locked(r, now_ns);
    if (!t)
        t = unused_locked(r, unused_since_ns);
    pthread_mutex_unlock(&r->lock);
    return t;
}

struct tenant *registry_any(struct registry *r)
{
    pthread_mutex_lock(&r->lock);
    struct tenant *t = r->open.oldest ? r->open.oldest : r->failed.oldest;
    if (t) {
        enum tenant_listed listed = t->listed;
        struct tenant_order *o = listed == LISTED_OPEN ? &r->open : &r->failed;
        tenant_ref(t);
        order_remove(o, t);
        order_add(o, t, listed);
    }
    pthread_mutex_unlock(&r->lock);
    return t;
}

unsigned registry_open_count(struct registry *r)
{
    pthread_mutex_lock(&r->lock);
    unsigned n = r->reserved;
    pthread_mutex_unlock(&r->lock);
    return n;
}
