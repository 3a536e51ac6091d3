/*
 * How fast the engine is without HTTP: one client thread keeps N jobs in the
 * engine, as an event loop would, and submits each again when it is done.
 *
 *   engine_bench FOLDER   (which is made, and emptied by nobody)
 *
 * Prints one line a case. Not a test: built, and run by hand.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/metrics.h"
#include "base/queue.h"
#include "engine/engine.h"

static const struct migration migrations[] = {
    {1, "0001_items",
     "CREATE TABLE items (id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT, "
     "created_at TEXT NOT NULL, updated_at TEXT NOT NULL) STRICT, WITHOUT ROWID;"
     "CREATE TABLE tenant_info (id INTEGER PRIMARY KEY, name TEXT NOT NULL, "
     "item_count INTEGER NOT NULL) STRICT;",
     0, "1111111111111111111111111111111111111111111111111111111111111111"},
};

#define QUERY(name, sql, writes)                                                                   \
    {                                                                                              \
        name, sql, sizeof(sql) - 1, writes                                                         \
    }

enum { Q_INFO, Q_INSERT, Q_COUNT, Q_PAGE };
static const struct sql_statement statements[] = {
    QUERY("info", "INSERT INTO tenant_info VALUES (1, ?1, 0)", true),
    QUERY("insert", "INSERT INTO items VALUES (?1, ?2, ?3, ?4, ?4)", true),
    QUERY("count", "UPDATE tenant_info SET item_count = item_count + 1 WHERE id = 1", true),
    QUERY("page", "SELECT id, name, description FROM items ORDER BY id DESC LIMIT 10", false),
};
static const struct sql_module module = {"bench", 3, statements, 4};

static int run(struct conn *c, unsigned query, const struct str *v, int n, struct err *e)
{
    sqlite3_stmt *st;
    int rc = sql_prepare(c, &module, query, &st, e);
    if (rc)
        return rc;
    for (int i = 0; i < n; i++)
        sql_bind_text(st, i + 1, v[i]);
    do
        rc = sql_step(st, e);
    while (rc == 1);
    sql_reset(st);
    return rc;
}

static int on_create(struct write_tx *tx, const struct tenant_name *t, struct err *e)
{
    struct str name = tenant_name_str(t);
    return run(&tx->reader.conn, Q_INFO, &name, 1, e);
}

struct client {
    struct engine *en;
    struct mpsc done;
    sem_t wake;
};

struct request {
    struct job job;
    struct mpsc_node node;
    struct client *client;
    int64_t begun_ns;
};

static int insert(struct job *job, struct write_tx *tx)
{
    char id[UUID_TEXT_BYTES];
    struct str values[] = {uuid_v7(write_tx_ids(tx), id), STR("Project Alpha"),
                           STR("Q1 2024 Initiative, with a description of usual length"),
                           write_tx_now(tx)};
    int rc = run(&tx->reader.conn, Q_INSERT, values, 4, &job->err);
    if (!rc)
        rc = run(&tx->reader.conn, Q_COUNT, NULL, 0, &job->err);
    return rc ? rc : write_tx_emit(tx, STR("item.created"), values[2]);
}

static int page(struct job *job, struct reader *r)
{
    return run(&r->conn, Q_PAGE, NULL, 0, &job->err);
}

static void on_done(struct job *job, int rc)
{
    struct request *r = (struct request *)job;
    if (rc) {
        fprintf(stderr, "%s: %d %s\n", job->tenant.s, rc, job->err.text);
        exit(1);
    }
    if (mpsc_push(&r->client->done, &r->node))
        sem_post(&r->client->wake);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

struct load {
    const char *name, *prefix;
    unsigned outstanding, tenants, total;
    bool reads, relaxed;
};

static void submit(struct client *c, struct request *r, const struct load *l, unsigned i)
{
    char name[64];
    int n = snprintf(name, sizeof name, "%s%u", l->prefix, i % l->tenants);
    r->job = (struct job){.create = true,
                          .may_inline = true,
                          .durability = l->relaxed ? DURABILITY_RELAXED : DURABILITY_LOCAL,
                          .read = l->reads ? page : NULL,
                          .write = l->reads ? NULL : insert,
                          .done = on_done};
    r->client = c;
    r->begun_ns = clock_mono_ns();
    tenant_name_parse((struct str){name, (size_t)n}, &r->job.tenant, NULL);
    int rc = engine_submit(c->en, &r->job);
    if (rc != ERR_AGAIN)
        on_done(&r->job, rc);
}

static double cpu_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static long resident_mb(void)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%ld %ld", &pages, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return resident * sysconf(_SC_PAGESIZE) / (1024 * 1024);
}

static void report(const struct load *l, int64_t *took, int64_t ns, double cpu)
{
    qsort(took, l->total, sizeof *took, compare);
    double s = (double)ns / 1e9;
    unsigned middle = l->total / 2, late = l->total - 1 - l->total / 100;
    printf("%-34s %9.0f/s  p50 %7.2f ms  p99 %7.2f ms  max %7.2f ms  cpu %5.1f us  rss %ld MB\n",
           l->name, l->total / s, (double)took[middle] / 1e6, (double)took[late] / 1e6,
           (double)took[l->total - 1] / 1e6, cpu * 1e6 / l->total, resident_mb());
    fflush(stdout);
}

static void measure(struct engine *en, const struct load *l)
{
    struct client c = {.en = en};
    struct request *requests = calloc(l->outstanding, sizeof *requests);
    int64_t *took = calloc(l->total, sizeof *took);
    unsigned sent = 0, done = 0;
    sem_init(&c.wake, 0, 0);
    double cpu = cpu_s();
    int64_t start_ns = clock_mono_ns();
    while (sent < l->outstanding && sent < l->total) {
        submit(&c, &requests[sent], l, sent);
        sent++;
    }
    while (done < l->total) {
        struct mpsc_node *node = mpsc_take_all(&c.done);
        if (!node)
            sem_wait(&c.wake);
        while (node) {
            struct request *r = mpsc_entry(node, struct request, node);
            node = node->next;
            took[done++] = clock_mono_ns() - r->begun_ns;
            if (sent < l->total)
                submit(&c, r, l, sent++);
        }
    }
    report(l, took, clock_mono_ns() - start_ns, cpu_s() - cpu);
    free(took);
    free(requests);
    sem_destroy(&c.wake);
}

static const struct load loads[] = {
    {"insert, 1 tenant, 1 client", "one", 1, 1, 3000, false, false},
    {"insert, 1 tenant, 32 clients", "one", 32, 1, 60000, false, false},
    {"insert, 1 tenant, 128 clients", "one", 128, 1, 100000, false, false},
    {"insert, 1 tenant, 128, relaxed", "one", 128, 1, 100000, false, true},
    {"insert, 100 tenants, 128 clients", "many", 128, 100, 40000, false, false},
    {"create, 10,000 tenants, 128 clients", "new", 128, 10000, 10000, false, false},
    {"read 10 rows, 1 tenant", "one", 128, 1, 200000, true, false},
    {"read 10 rows, 100 tenants", "many", 128, 100, 200000, true, false},
    {"read 10 rows, 2,000 tenants", "new", 128, 2000, 20000, true, false},
};

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: engine_bench FOLDER [CASE]...\n");
        return 2;
    }
    struct err err = ERR_INIT;
    struct engine *en;
    struct engine_config config;
    engine_config_standard(&config);
    config.path = argv[1];
    config.app = (struct engine_app){
        .sql = &module, .migrations = migrations, .migration_count = 1, .on_create = on_create};
    if (engine_open(&config, &en, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) {
        bool wanted = argc == 2;
        for (int a = 2; a < argc; a++)
            wanted |= strtoul(argv[a], NULL, 10) == i;
        if (wanted)
            measure(en, &loads[i]);
    }
    int64_t start_ns = clock_mono_ns();
    engine_close(en);
    struct buf text = BUF_INIT;
    if (getenv("METRICS")) {
        metrics_print(&text);
        fputs(buf_cstr(&text), stdout);
    }
    buf_free(&text);
    printf("closed in %.0f ms\n", (double)(clock_mono_ns() - start_ns) / 1e6);
    return 0;
}
