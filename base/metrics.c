/*
 * The table of metrics, a list sorted by name and labels, and the requests of
 * tenants, a hash table of a fixed size that only ever gains entries.
 *
 * A tenant's place is found by open addressing over atomic pointers: readers
 * follow them without a lock, and whoever first sees a tenant puts a new entry
 * in by compare-and-swap. Counters are relaxed: a printed page is a sum of
 * what each thread had done, not one instant.
 */
#include "base/metrics.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>

#include "base/fault.h"

static struct metric *metrics_first; /* sorted; grows only before main() */

static int metric_order(const struct metric *a, const struct metric *b)
{
    int order = strcmp(a->name, b->name);
    return order ? order : strcmp(a->labels ? a->labels : "", b->labels ? b->labels : "");
}

void metric_register(struct metric *m)
{
    struct metric **at = &metrics_first;
    while (*at && metric_order(*at, m) < 0)
        at = &(*at)->next;
    assert(!*at || metric_order(*at, m) != 0);
    m->next = *at;
    *at = m;
}

struct bound {
    int64_t ns;
    const char *text;
};

static const struct bound bounds[METRIC_BUCKETS] = {
    {100000, "0.0001"},  {250000, "0.00025"}, {500000, "0.0005"}, {1000000, "0.001"},
    {2500000, "0.0025"}, {5000000, "0.005"},  {10000000, "0.01"}, {25000000, "0.025"},
    {50000000, "0.05"},  {100000000, "0.1"},  {500000000, "0.5"}, {1000000000, "1"},
    {10000000000, "10"}, {INT64_MAX, "+Inf"},
};

void metric_observe_ns(struct metric *m, int64_t ns)
{
    if (ns < 0)
        ns = 0;
    size_t i = 0;
    while (ns > bounds[i].ns)
        i++;
    atomic_fetch_add_explicit(&m->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->sum_us, ns / 1000 + (ns % 1000 >= 500), memory_order_relaxed);
}

enum { TENANT_SLOTS = 512, TENANT_NAME_BYTES = 64, TENANT_KINDS = 3 };

struct tenant_counts {
    alignas(64) _Atomic int64_t n[TENANT_KINDS];
    size_t name_bytes;
    char name[TENANT_NAME_BYTES];
};

static _Atomic(struct tenant_counts *) tenant_slots[TENANT_SLOTS];
static _Atomic int tenants_taken;
static struct tenant_counts other_tenants = {.name_bytes = 6, .name = "_other"};

/* FNV-1a. Somebody who picks names that collide gains a walk over at most
 * METRICS_TENANTS_MAX entries. */
static size_t tenant_hash(struct str s)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
    return (size_t)(h ^ h >> 32) % TENANT_SLOTS;
}

static struct tenant_counts *tenant_new(struct str name)
{
    if (atomic_fetch_add(&tenants_taken, 1) >= METRICS_TENANTS_MAX) {
        atomic_fetch_sub(&tenants_taken, 1);
        return NULL;
    }
    void *p = NULL;
    if (fault_hit(FAULT_ALLOC) ||
        posix_memalign(&p, alignof(struct tenant_counts), sizeof(struct tenant_counts)) != 0) {
        atomic_fetch_sub(&tenants_taken, 1);
        return NULL;
    }
    struct tenant_counts *t = p;
    memset(t, 0, sizeof *t);
    memcpy(t->name, name.p, name.n);
    t->name_bytes = name.n;
    return t;
}

/* Puts a new entry into an empty slot; returns what is in the slot then, which
 * may be another thread's entry, or NULL where there may be no more. */
static struct tenant_counts *tenant_claim(_Atomic(struct tenant_counts *) *slot, struct str name)
{
    if (atomic_load_explicit(&tenants_taken, memory_order_relaxed) >= METRICS_TENANTS_MAX)
        return NULL;
    struct tenant_counts *t = tenant_new(name), *there = NULL;
    if (!t || atomic_compare_exchange_strong(slot, &there, t))
        return t;
    free(t);
    atomic_fetch_sub(&tenants_taken, 1);
    return there;
}

/* There are more slots than entries, so the walk always meets an end. */
static struct tenant_counts *tenant_find(struct str name)
{
    if (name.n > TENANT_NAME_BYTES)
        return &other_tenants;
    for (size_t i = tenant_hash(name);; i = (i + 1) % TENANT_SLOTS) {
        struct tenant_counts *t = atomic_load_explicit(&tenant_slots[i], memory_order_acquire);
        if (!t)
            t = tenant_claim(&tenant_slots[i], name);
        if (!t)
            return &other_tenants;
        if (str_eq(str_make(t->name, t->name_bytes), name))
            return t;
    }
}

void metric_tenant(struct str tenant, enum metric_tenant_kind kind)
{
    assert((int)kind < TENANT_KINDS);
    atomic_fetch_add_explicit(&tenant_find(tenant)->n[kind], 1, memory_order_relaxed);
}

static void print_head(struct buf *out, const char *name, const char *help, const char *type)
{
    buf_lit(out, "# HELP ");
    buf_add(out, str_from(name));
    buf_char(out, ' ');
    for (; *help; help++) {
        if (*help == '\\' || *help == '\n')
            buf_char(out, '\\');
        buf_char(out, *help == '\n' ? 'n' : *help);
    }
    buf_lit(out, "\n# TYPE ");
    buf_add(out, str_from(name));
    buf_char(out, ' ');
    buf_add(out, str_from(type));
    buf_char(out, '\n');
}

/* One line up to its value: `name_suffix{labels,le="bound"} `. */
static void print_name(struct buf *out, const struct metric *m, const char *suffix, const char *le)
{
    buf_add(out, str_from(m->name));
    buf_add(out, str_from(suffix));
    if (m->labels || le) {
        buf_char(out, '{');
        buf_add(out, str_from(m->labels ? m->labels : ""));
        if (le) {
            buf_add(out, m->labels ? STR(",le=\"") : STR("le=\""));
            buf_add(out, str_from(le));
            buf_char(out, '"');
        }
        buf_char(out, '}');
    }
    buf_char(out, ' ');
}

static void print_histogram(struct buf *out, const struct metric *m)
{
    int64_t count = 0;
    for (size_t i = 0; i < METRIC_BUCKETS; i++) {
        count += atomic_load_explicit(&m->buckets[i], memory_order_relaxed);
        print_name(out, m, "_bucket", bounds[i].text);
        buf_i64(out, count);
        buf_char(out, '\n');
    }
    int64_t sum_us = atomic_load_explicit(&m->sum_us, memory_order_relaxed);
    print_name(out, m, "_sum", NULL);
    buf_printf(out, "%lld.%06lld\n", (long long)(sum_us / 1000000), (long long)(sum_us % 1000000));
    print_name(out, m, "_count", NULL);
    buf_i64(out, count);
    buf_char(out, '\n');
}

static void print_metric(struct buf *out, const struct metric *m)
{
    if (m->kind == METRIC_HISTOGRAM) {
        print_histogram(out, m);
        return;
    }
    print_name(out, m, "", NULL);
    buf_i64(out, atomic_load_explicit(&m->value, memory_order_relaxed));
    buf_char(out, '\n');
}

/* Label values escape just these three (exposition format 0.0.4). */
static void print_label_value(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '\n')
            buf_char(out, '\\');
        buf_char(out, s.p[i] == '\n' ? 'n' : s.p[i]);
    }
}

static void print_tenant(struct buf *out, const struct tenant_counts *t)
{
    static const char *const kinds[TENANT_KINDS] = {"read", "write", "error"};
    for (size_t i = 0; i < TENANT_KINDS; i++) {
        buf_lit(out, "rowhouse_tenant_requests_total{tenant=\"");
        print_label_value(out, str_make(t->name, t->name_bytes));
        buf_lit(out, "\",kind=\"");
        buf_add(out, str_from(kinds[i]));
        buf_lit(out, "\"} ");
        buf_i64(out, atomic_load_explicit(&t->n[i], memory_order_relaxed));
        buf_char(out, '\n');
    }
}

static void print_tenants(struct buf *out)
{
    print_head(out, "rowhouse_tenant_requests_total",
               "Requests by tenant; past the bound of tenants, under _other.", "counter");
    for (size_t i = 0; i < TENANT_SLOTS; i++) {
        const struct tenant_counts *t =
            atomic_load_explicit(&tenant_slots[i], memory_order_acquire);
        if (t)
            print_tenant(out, t);
    }
    print_tenant(out, &other_tenants);
}

void metrics_print(struct buf *out)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    const struct metric *before = NULL;
    for (const struct metric *m = metrics_first; m; before = m, m = m->next) {
        if (!before || strcmp(before->name, m->name) != 0)
            print_head(out, m->name, m->help, types[m->kind]);
        print_metric(out, m);
    }
    print_tenants(out);
}
