/*
 * Metrics: one table of counters, gauges and histograms, served as Prometheus
 * text (exposition format 0.0.4).
 *
 * A metric is declared once, at file scope, and updated without a lock from
 * any thread. Labels are fixed at declaration; tenants are a label only up to
 * a bound (METRICS_TENANTS_MAX), the rest are counted under tenant="_other".
 */
#ifndef ROWHOUSE_BASE_METRICS_H
#define ROWHOUSE_BASE_METRICS_H

#include <stdatomic.h>

#include "base/buf.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

enum { METRIC_BUCKETS = 14 }; /* 100 us .. 10 s, and +Inf */

struct metric {
    const char *name; /* "rowhouse_http_requests_total" */
    const char *help;
    const char *labels; /* NULL, or `class="2xx"` as it will be printed */
    enum metric_kind kind;
    _Atomic int64_t value;                   /* counter, gauge */
    _Atomic int64_t sum_us;                  /* histogram */
    _Atomic int64_t buckets[METRIC_BUCKETS]; /* histogram, not cumulative */
    struct metric *next;                     /* the table, filled by metric_register */
};

/* Declares a metric and puts it into the table before main() runs. */
#define METRIC_DEFINE(var, kind_, name_, labels_, help_)                                           \
    static struct metric var = {                                                                   \
        .name = (name_), .help = (help_), .labels = (labels_), .kind = (kind_)};                   \
    __attribute__((constructor)) static void var##_register(void)                                  \
    {                                                                                              \
        metric_register(&var);                                                                     \
    }                                                                                              \
    struct metric_semicolon_

/* Before other threads start. A name has one kind and one help; a name with
 * the same labels twice is a mistake of the program and stops it. */
void metric_register(struct metric *m);

static inline void metric_add(struct metric *m, int64_t n)
{
    atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
}

static inline void metric_inc(struct metric *m)
{
    metric_add(m, 1);
}

static inline void metric_set(struct metric *m, int64_t v)
{
    atomic_store_explicit(&m->value, v, memory_order_relaxed);
}

/* Adds one observation to a histogram. */
void metric_observe_ns(struct metric *m, int64_t ns);

enum { METRICS_TENANTS_MAX = 200 };

/* Counts one request of a tenant: reads, writes or errors. */
enum metric_tenant_kind { METRIC_TENANT_READS, METRIC_TENANT_WRITES, METRIC_TENANT_ERRORS };
void metric_tenant(struct str tenant, enum metric_tenant_kind kind);

/* Appends the whole table, HELP and TYPE once a name. */
void metrics_print(struct buf *out);

#endif
