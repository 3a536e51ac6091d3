/*
 * base/metrics.c, with a strict reader of the exposition format 0.0.4: names,
 * labels and values as the format has them, HELP and TYPE once and first, a
 * metric's lines together, no series twice, histograms cumulative and whole.
 */
#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/metrics.h"
#include "test/unit/base/unit.h"

METRIC_DEFINE(requests_bad, METRIC_COUNTER, "test_requests_total", "class=\"4xx\"", "Requests.");
METRIC_DEFINE(duration, METRIC_HISTOGRAM, "test_duration_seconds", "op=\"read\"", "How long.");
METRIC_DEFINE(requests_ok, METRIC_COUNTER, "test_requests_total", "class=\"2xx\"", "Requests.");
METRIC_DEFINE(open_files, METRIC_GAUGE, "test_open", NULL, "A \\ and\na line.");
METRIC_DEFINE(plain_duration, METRIC_HISTOGRAM, "test_plain_seconds", NULL, "How long.");

enum { THREADS = 2, ROUNDS = 20000, NAMES = 100 };

enum { SERIES_MAX = 2000, TEXT_MAX = 200 };

struct series {
    char name[TEXT_MAX];   /* with its suffix */
    char labels[TEXT_MAX]; /* between the braces, as they stand */
    double value;
};

struct page {
    struct series series[SERIES_MAX];
    size_t n;
    char families[100][TEXT_MAX], types[100][TEXT_MAX], helps[100][TEXT_MAX];
    size_t n_families;
};

static bool take_name(const char **p, char *out)
{
    size_t n = 0;
    while (isalnum((unsigned char)**p) || **p == '_' || **p == ':') {
        assert_true(n < TEXT_MAX - 1);
        out[n++] = *(*p)++;
    }
    out[n] = '\0';
    return n > 0 && !isdigit((unsigned char)out[0]);
}

/* name="value",… with the three escapes that there are. */
static void take_labels(const char **p, char *out)
{
    const char *start = *p;
    char name[TEXT_MAX];
    do {
        assert_true(take_name(p, name));
        assert_int_equal(*(*p)++, '=');
        assert_int_equal(*(*p)++, '"');
        for (; **p != '"'; (*p)++) {
            assert_true(**p != '\0' && **p != '\n');
            if (**p == '\\')
                assert_non_null(strchr("\\\"n", *++*p));
        }
        (*p)++;
    } while (**p == ',' && (*p)++);
    memcpy(out, start, (size_t)(*p - start));
    out[*p - start] = '\0';
    assert_int_equal(*(*p)++, '}');
}

static double take_value(const char **p)
{
    char *end;
    double v = strtod(*p, &end);
    assert_true(end > *p && isfinite(v));
    *p = end;
    return v;
}

/* True where name is a line of the family: of a histogram with a suffix. */
static bool belongs(const char *name, const char *family, const char *type)
{
    size_t n = strlen(family);
    if (strcmp(type, "histogram") != 0)
        return strcmp(name, family) == 0;
    return strncmp(name, family, n) == 0 &&
           (!strcmp(name + n, "_bucket") || !strcmp(name + n, "_sum") ||
            !strcmp(name + n, "_count"));
}

static void read_comment(struct page *page, const char **p)
{
    char name[TEXT_MAX];
    assert_memory_equal(*p, "# HELP ", 7);
    *p += 7;
    assert_true(take_name(p, name));
    for (size_t i = 0; i < page->n_families; i++)
        assert_string_not_equal(page->families[i], name);
    size_t f = page->n_families++;
    memcpy(page->families[f], name, sizeof name);
    size_t help = strcspn(++*p, "\n");
    assert_in_range(help, 1, TEXT_MAX - 1);
    memcpy(page->helps[f], *p, help);
    *p += help + 1;
    assert_memory_equal(*p, "# TYPE ", 7);
    *p += 7;
    assert_true(take_name(p, page->types[f]));
    assert_string_equal(page->types[f], name);
    assert_int_equal(*(*p)++, ' ');
    assert_true(take_name(p, page->types[f]));
    assert_int_equal(*(*p)++, '\n');
}

static void read_series(struct page *page, const char **p)
{
    assert_true(page->n < SERIES_MAX && page->n_families > 0);
    struct series *s = &page->series[page->n++];
    size_t f = page->n_families - 1;
    assert_true(take_name(p, s->name));
    assert_true(belongs(s->name, page->families[f], page->types[f]));
    s->labels[0] = '\0';
    if (**p == '{') {
        (*p)++;
        take_labels(p, s->labels);
    }
    assert_int_equal(*(*p)++, ' ');
    s->value = take_value(p);
    assert_int_equal(*(*p)++, '\n');
    for (const struct series *other = page->series; other < s; other++)
        assert_false(!strcmp(other->name, s->name) && !strcmp(other->labels, s->labels));
}

static struct page *read_page(void)
{
    struct buf b = BUF_INIT;
    metrics_print(&b);
    assert_true(buf_ok(&b));
    assert_true(utf8_valid(buf_str(&b)));
    struct page *page = calloc(1, sizeof *page);
    assert_non_null(page);
    const char *p = buf_cstr(&b);
    assert_int_equal(strlen(p), b.n);
    while (*p) {
        if (*p == '#')
            read_comment(page, &p);
        else
            read_series(page, &p);
    }
    buf_free(&b);
    return page;
}

static double value_of(const struct page *page, const char *name, const char *labels)
{
    for (size_t i = 0; i < page->n; i++) {
        const struct series *s = &page->series[i];
        if (!strcmp(s->name, name) && !strcmp(s->labels, labels))
            return s->value;
    }
    fail_msg("no %s{%s}", name, labels);
    return NAN;
}

static double value_now(const char *name, const char *labels)
{
    struct page *page = read_page();
    double v = value_of(page, name, labels);
    free(page);
    return v;
}

static void counters_and_gauges(void **state)
{
    (void)state;
    metric_inc(&requests_ok);
    metric_add(&requests_ok, 41);
    metric_inc(&requests_bad);
    metric_set(&open_files, -7);
    struct page *page = read_page();
    assert_true(value_of(page, "test_requests_total", "class=\"2xx\"") == 42);
    assert_true(value_of(page, "test_requests_total", "class=\"4xx\"") == 1);
    assert_true(value_of(page, "test_open", "") == -7);
    free(page);
}

static void help_is_escaped(void **state)
{
    (void)state;
    struct page *page = read_page();
    bool found = false;
    for (size_t i = 0; i < page->n_families; i++)
        found |= !strcmp(page->helps[i], "A \\\\ and\\na line.");
    assert_true(found);
    free(page);
}

/* A bound belongs to its own bucket; just above it is the next one. */
static void observations_fall_into_their_buckets(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *le;
    } bounds[] = {{100000, "0.0001"},          {250000, "0.00025"}, {500000, "0.0005"},
                  {1000000, "0.001"},          {2500000, "0.0025"}, {5000000, "0.005"},
                  {10000000, "0.01"},          {25000000, "0.025"}, {50000000, "0.05"},
                  {100000000, "0.1"},          {500000000, "0.5"},  {1000000000, "1"},
                  {INT64_C(10000000000), "10"}};
    metric_observe_ns(&duration, -5);
    metric_observe_ns(&duration, 0);
    for (size_t i = 0; i < COUNT_OF(bounds); i++) {
        metric_observe_ns(&duration, bounds[i].ns);
        metric_observe_ns(&duration, bounds[i].ns + 1);
    }
    struct page *page = read_page();
    for (size_t i = 0; i < COUNT_OF(bounds); i++) {
        char labels[60];
        snprintf(labels, sizeof labels, "op=\"read\",le=\"%s\"", bounds[i].le);
        assert_true(strtod(bounds[i].le, NULL) == (double)bounds[i].ns / 1e9);
        assert_true(value_of(page, "test_duration_seconds_bucket", labels) == (double)(3 + 2 * i));
    }
    assert_true(value_of(page, "test_duration_seconds_bucket", "op=\"read\",le=\"+Inf\"") == 28);
    assert_true(value_of(page, "test_duration_seconds_count", "op=\"read\"") == 28);
    free(page);
}

static void sums_are_in_seconds(void **state)
{
    (void)state;
    metric_observe_ns(&plain_duration, 1500000000);
    metric_observe_ns(&plain_duration, 1000600);
    struct page *page = read_page();
    assert_true(fabs(value_of(page, "test_plain_seconds_sum", "") - 1.501001) < 1e-9);
    assert_true(value_of(page, "test_plain_seconds_count", "") == 2);
    assert_true(value_of(page, "test_plain_seconds_bucket", "le=\"10\"") == 2);
    free(page);
}

/* Uses the last free places of the table, so it runs last. */
static void tenants_past_the_bound_are_other(void **state)
{
    (void)state;
    enum { KNOWN = 2 + NAMES, NEW = METRICS_TENANTS_MAX + 50 };
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < NEW; i++) {
            char name[20];
            snprintf(name, sizeof name, "tenant-%d", i);
            metric_tenant(str_from(name), METRIC_TENANT_WRITES);
        }
    }
    struct page *page = read_page();
    size_t tenants = 0;
    double writes = 0;
    for (size_t i = 0; i < page->n; i++) {
        const struct series *s = &page->series[i];
        bool write = strstr(s->labels, "kind=\"write\"") != NULL;
        if (!strcmp(s->name, "rowhouse_tenant_requests_total") && write) {
            tenants++;
            writes += s->value;
        }
    }
    assert_int_equal(tenants, METRICS_TENANTS_MAX + 1);
    assert_true(writes == 3 * NEW);
    double other =
        value_of(page, "rowhouse_tenant_requests_total", "tenant=\"_other\",kind=\"write\"");
    assert_true(other == 3 * (NEW - METRICS_TENANTS_MAX + KNOWN));
    free(page);
}

static void a_tenant_has_three_counters(void **state)
{
    (void)state;
    metric_tenant(STR("acme"), METRIC_TENANT_READS);
    metric_tenant(STR("acme"), METRIC_TENANT_READS);
    metric_tenant(STR("acme"), METRIC_TENANT_ERRORS);
    struct page *page = read_page();
    const char *name = "rowhouse_tenant_requests_total";
    assert_true(value_of(page, name, "tenant=\"acme\",kind=\"read\"") == 2);
    assert_true(value_of(page, name, "tenant=\"acme\",kind=\"write\"") == 0);
    assert_true(value_of(page, name, "tenant=\"acme\",kind=\"error\"") == 1);
    free(page);
}

static void label_values_are_escaped(void **state)
{
    (void)state;
    metric_tenant(STR("a\"b\\c\nd"), METRIC_TENANT_READS);
    double v =
        value_now("rowhouse_tenant_requests_total", "tenant=\"a\\\"b\\\\c\\nd\",kind=\"read\"");
    assert_true(v == 1);
}

static void a_name_too_long_and_no_memory_are_other(void **state)
{
    (void)state;
    static const char labels[] = "tenant=\"_other\",kind=\"error\"";
    char name[65];
    memset(name, 'x', sizeof name);
    double before = value_now("rowhouse_tenant_requests_total", labels);
    metric_tenant(str_make(name, sizeof name), METRIC_TENANT_ERRORS);
    fault_arm(FAULT_ALLOC, 1, false);
    metric_tenant(STR("not-seen-before"), METRIC_TENANT_ERRORS);
    assert_int_equal(fault_fired(FAULT_ALLOC), 1);
    assert_true(value_now("rowhouse_tenant_requests_total", labels) == before + 2);
}

static atomic_int arrived;

/* Returns in all threads at once, as near as spinning gets it. */
static void meet(int round)
{
    atomic_fetch_add(&arrived, 1);
    while (atomic_load(&arrived) < (round + 1) * THREADS)
        ;
}

static void *count_requests(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        char name[20];
        snprintf(name, sizeof name, "race-%d", i / (ROUNDS / NAMES));
        if (i % (ROUNDS / NAMES) == 0)
            meet(i / (ROUNDS / NAMES));
        metric_tenant(str_from(name), METRIC_TENANT_READS);
        metric_inc(&requests_bad);
    }
    return NULL;
}

/* Threads that meet at the same new names lose no count and make no second
 * entry (which the reader would refuse). */
static void threads_count_together(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    double before = value_now("test_requests_total", "class=\"4xx\"");
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, count_requests, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    struct page *page = read_page();
    for (int i = 0; i < NAMES; i++) {
        char labels[60];
        snprintf(labels, sizeof labels, "tenant=\"race-%d\",kind=\"read\"", i);
        assert_true(value_of(page, "rowhouse_tenant_requests_total", labels) ==
                    THREADS * ROUNDS / NAMES);
    }
    double after = value_of(page, "test_requests_total", "class=\"4xx\"");
    assert_true(after == before + THREADS * ROUNDS);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_and_gauges),
        cmocka_unit_test(help_is_escaped),
        cmocka_unit_test(observations_fall_into_their_buckets),
        cmocka_unit_test(sums_are_in_seconds),
        cmocka_unit_test(a_tenant_has_three_counters),
        cmocka_unit_test(label_values_are_escaped),
        cmocka_unit_test(a_name_too_long_and_no_memory_are_other),
        cmocka_unit_test(threads_count_together),
        cmocka_unit_test(tenants_past_the_bound_are_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
