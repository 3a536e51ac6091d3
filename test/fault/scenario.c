#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/fault/fault_alloc.h"
#include "test/fault/fault_vfs.h"
#include "test/fault/scenario_internal.h"
#include "test/unit/engine/store_fixture.h"

enum { BIG_BYTES = 4300000, HUGE_BYTES = 67000000, TRIES = 4, PATIENCE_MS = 10000 };

const char *const scenario_names[TENANTS] = {"alpha", "beta", "gamma"};

static int ask(sqlite3 *db, const char *sql, long long *ret, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (!rc)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *ret = sqlite3_column_int64(st, 0);
    int code = rc == SQLITE_ROW ? 0 : sql_error(db, rc, sql, e);
    sqlite3_finalize(st);
    return code;
}

static int on_open(struct write_tx *tx, struct uuid_gen *ids, struct err *e)
{
    long long highest;
    (void)ids;
    return ask(tx->reader.conn.db, "SELECT max(id) FROM row", &highest, e);
}

static int summarise(struct reader *r, struct tenant_summary *ret, struct err *e)
{
    long long rows = 0;
    int rc = ask(r->conn.db, "SELECT count(*) FROM row", &rows, e);
    *ret = (struct tenant_summary){.rows = rows};
    return rc;
}

const struct engine_app scenario_app = {.migrations = fixture_migrations,
                                        .migration_count = COUNT_OF(fixture_migrations),
                                        .on_create = fixture_create,
                                        .on_open = on_open,
                                        .summarise = summarise};

/* Jobs. */

static struct scenario *running;

static int write_rows(struct job *job, struct write_tx *tx)
{
    struct work *w = (struct work *)job;
    sqlite3 *db = tx->reader.conn.db;
    char sql[160], id[16];
    while (w->kind == WORK_HOLD && !atomic_load(&running->let_go))
        usleep(100);
    int bytes = w->kind != WORK_BIG ? 1 : running->options.huge ? HUGE_BYTES : BIG_BYTES;
    snprintf(sql, sizeof sql, "INSERT INTO row VALUES (%d, printf('%%.*c', %d, 'x')), (%d, 'twin')",
             w->id, bytes, w->id + TWIN);
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    if (rc)
        return sql_error(db, rc, "insert", &job->err);
    if (w->kind == WORK_REFUSES)
        return err_set(&job->err, ERR_INVALID, "this one refuses");
    snprintf(id, sizeof id, "%d", w->id);
    return write_tx_emit(tx, STR("row"), str_from(id));
}

static int read_rows(struct job *job, struct reader *r)
{
    struct work *w = (struct work *)job;
    return ask(r->conn.db, "SELECT count(*) FROM row", &w->rows, &job->err);
}

static void work_done(struct job *job, int rc)
{
    struct work *w = (struct work *)job;
    w->rc = rc;
    if (atomic_fetch_add(&w->answers, 1) == 0)
        sem_post(&w->done);
}

static struct work *submit(struct scenario *sc, int tenant, enum work_kind kind)
{
    scenario_expect(sc, sc->n_works < WORKS);
    bool reads = kind == WORK_READ || kind == WORK_INLINE;
    struct work *w = &sc->works[sc->n_works];
    *w = (struct work){.kind = kind, .tenant = tenant, .id = sc->n_works++, .rows = -1};
    w->job = (struct job){
        .create = true,
        .may_inline = kind == WORK_INLINE,
        .deadline_ns = kind == WORK_LATE,
        .durability = kind == WORK_RELAXED ? DURABILITY_RELAXED : DURABILITY_LOCAL,
        .write = reads ? NULL : write_rows,
        .read = reads ? read_rows : NULL,
        .done = work_done,
    };
    assert_ok(tenant_name_parse(str_from(scenario_names[tenant]), &w->job.tenant, e));
    sem_init(&w->done, 0, 0);
    int rc = engine_submit(sc->en, &w->job);
    if (rc != ERR_AGAIN)
        work_done(&w->job, rc);
    return w;
}

static bool is_as_expected(const struct work *w)
{
    int expected = w->kind == WORK_REFUSES ? ERR_INVALID : w->kind == WORK_LATE ? ERR_TIMEOUT : 0;
    return w->rc == expected;
}

/* Whether what began when `before` calls had failed may have failed. */
static bool is_excused(struct scenario *sc, int tenant, int64_t before)
{
    int64_t fired = sc->source->fired();
    if (sc->source->alpha_only && tenant != ALPHA)
        return false;
    return sc->for_ever ? fired > 0 && !sc->disarmed : fired > before;
}

static void wait_for(struct scenario *sc, struct work *w)
{
    (void)sc;
    while (sem_wait(&w->done) < 0)
        ;
}

/* A read sees all that was acknowledged, whole writes only. */
static void check_rows(struct scenario *sc, const struct work *w)
{
    int acknowledged = 0;
    if (w->rc || w->rows < 0)
        return;
    for (int i = 0; i < w->id; i++) {
        const struct work *other = &sc->works[i];
        acknowledged += other->job.write && other->tenant == w->tenant && other->rc == 0;
    }
    scenario_expect(sc, w->rows % 2 == 0);
    scenario_expect(sc, w->tenant == GAMMA || w->rows >= 2 * acknowledged);
}

static void check_error(struct scenario *sc, const struct work *w)
{
    scenario_expect(sc, w->answers == 1);
    scenario_expect(sc, (int)w->job.err.code == w->rc);
    scenario_expect(sc, !w->rc || w->job.err.text[0]);
}

/* One job and its answer. A tenant that was deleted says so once. */
static void run(struct scenario *sc, int tenant, enum work_kind kind)
{
    for (int tries = 0;; tries++) {
        int64_t before = sc->source->fired();
        struct work *w = submit(sc, tenant, kind);
        wait_for(sc, w);
        check_error(sc, w);
        if (is_as_expected(w)) {
            check_rows(sc, w);
            return;
        }
        if (is_excused(sc, tenant, before))
            return;
        bool deleted = w->rc == ERR_REPLACED && tenant == GAMMA && sc->deletion != DELETION_NONE;
        if (tries == TRIES || !deleted)
            scenario_fail(sc, "job %d of %s, kind %d: %d %s", w->id, scenario_names[tenant],
                          (int)kind, w->rc, w->job.err.text);
    }
}

void scenario_write(struct scenario *sc, int tenant)
{
    run(sc, tenant, WORK_WRITE);
}

/* All in one transaction, since the first waits until the rest is queued. */
static void run_batch(struct scenario *sc)
{
    static const enum work_kind kinds[] = {WORK_WRITE, WORK_REFUSES, WORK_RELAXED,
                                           WORK_LATE,  WORK_WRITE,   WORK_BIG};
    struct work *works[COUNT_OF(kinds) + 1];
    size_t n = COUNT_OF(kinds) - !(sc->options.big || sc->options.huge);
    int64_t before = sc->source->fired();
    works[n] = submit(sc, ALPHA, WORK_HOLD);
    for (size_t i = 0; i < n; i++)
        works[i] = submit(sc, ALPHA, kinds[i]);
    atomic_store(&sc->let_go, true);
    for (size_t i = 0; i <= n; i++)
        wait_for(sc, works[i]);
    for (size_t i = 0; i <= n; i++) {
        check_error(sc, works[i]);
        if (!is_as_expected(works[i]) && !is_excused(sc, ALPHA, before))
            scenario_fail(sc, "job %d of a batch: %d %s", works[i]->id, works[i]->rc,
                          works[i]->job.err.text);
    }
}

static void delete_gamma(struct scenario *sc)
{
    struct err err = ERR_INIT;
    int64_t before = sc->source->fired();
    struct tenant_name t;
    assert_ok(tenant_name_parse(str_from(scenario_names[GAMMA]), &t, e));
    for (int i = 0; i < sc->n_works; i++)
        sc->works[i].deleted_after |= sc->works[i].tenant == GAMMA;
    int rc = store_delete(sc->store, &t, 1000, &err);
    sc->deletion = rc ? DELETION_UNKNOWN : DELETION_DONE;
    if (!rc)
        return;
    scenario_expect(sc, (int)err.code == rc && err.text[0]);
    /* A fault may have kept the tenant from being made at all. */
    if (!is_excused(sc, GAMMA, before) && !(rc == ERR_NOT_FOUND && before))
        scenario_fail(sc, "deleting: %d %s", rc, err.text);
}

/* What needs no job. */
static void look_around(struct scenario *sc)
{
    struct err err = ERR_INIT;
    struct tenant_summary summary;
    struct tenant_facts facts;
    struct catalog_page page;
    struct arena arena = ARENA_INIT;
    int64_t before = sc->source->fired(), bytes;
    struct tenant_name *alpha = &sc->works[0].job.tenant;
    int rc = engine_summary(sc->en, alpha, &summary, &bytes, &err);
    if (!rc)
        scenario_expect(sc, summary.rows % 2 == 0);
    else if (!is_excused(sc, ALPHA, before) && !(rc == ERR_NOT_FOUND && before))
        scenario_fail(sc, "summary: %d %s", rc, err.text);
    rc = catalog_list(sc->en, STR(""), STR(""), 10, &arena, &page, &err);
    if (!rc)
        scenario_expect(sc, page.n <= TENANTS && !page.more);
    else if (!is_excused(sc, BETA, before))
        scenario_fail(sc, "names: %d %s", rc, err.text);
    arena_free(&arena);
    rc = engine_facts(sc->en, alpha, &facts, &err);
    if (rc && !is_excused(sc, ALPHA, before) && !before)
        scenario_fail(sc, "facts: %d %s", rc, err.text);
    engine_ready(sc->en, &err);
}

/* The feed. */

static void wake(void *ctx)
{
    (void)ctx;
}

static void subscribe(struct scenario *sc)
{
    struct err err = ERR_INIT;
    struct tenant_name t;
    int64_t before = sc->source->fired();
    bool gap = false;
    assert_ok(tenant_name_parse(str_from(scenario_names[ALPHA]), &t, e));
    int rc = feed_subscribe(sc->en, &t, STR(""), wake, NULL, &sc->feed, &gap, &err);
    scenario_expect(sc, rc ? !sc->feed : sc->feed != NULL);
    scenario_expect(sc, !rc || is_excused(sc, ALPHA, before));
}

static void take_events(struct scenario *sc)
{
    struct feed_event *ev;
    bool gap = false;
    while (sc->feed && (ev = feed_next(sc->feed, &gap))) {
        uint64_t id = WORKS;
        scenario_expect(sc, str_to_u64(ev->data, WORKS - 1, &id));
        scenario_expect(sc, !atomic_exchange(&sc->event_seen[id], true));
        scenario_expect(sc, sc->works[id].rc == 0);
        feed_event_unref(ev);
    }
    feed_unsubscribe(sc->feed);
    sc->feed = NULL;
}

/* The life. */

static void disarm(struct scenario *sc)
{
    sc->source->disarm();
    sc->disarmed = true;
}

/* Where opening failed, nothing of it is left, and it can be opened again. */
static void open_engine(struct scenario *sc)
{
    for (int tries = 0; !sc->en; tries++) {
        struct err err = ERR_INIT;
        int64_t before = sc->source->fired();
        int rc = engine_open(&sc->config, &sc->en, &err);
        scenario_expect(sc, rc ? !sc->en : sc->en != NULL);
        if (!rc)
            return;
        scenario_expect(sc, (int)err.code == rc && err.text[0]);
        if (!is_excused(sc, BETA, before) || tries == TRIES)
            scenario_fail(sc, "engine_open: %d %s", rc, err.text);
        if (sc->for_ever)
            disarm(sc);
    }
}

/* The janitor closes what nobody uses, faults or not. */
static void wait_until_idle(struct scenario *sc)
{
    for (int t = 0; t < TENANTS; t++) {
        struct tenant_name name;
        struct tenant_facts facts = {.state = TENANT_READY};
        struct err err;
        assert_ok(tenant_name_parse(str_from(scenario_names[t]), &name, e));
        for (int ms = 0; facts.state == TENANT_READY; ms++) {
            scenario_expect(sc, ms < PATIENCE_MS);
            if (engine_facts(sc->en, &name, &facts, &err))
                break;
            usleep(1000);
        }
    }
}

static void live(struct scenario *sc)
{
    subscribe(sc);
    run(sc, ALPHA, WORK_WRITE);
    run(sc, BETA, WORK_WRITE);
    run(sc, ALPHA, WORK_READ);
    run_batch(sc);
    run(sc, ALPHA, WORK_WRITE);
    scenario_power(sc, 0);
    run(sc, ALPHA, WORK_READ);
    run(sc, ALPHA, WORK_INLINE);
    run(sc, GAMMA, WORK_WRITE); /* closes beta */
    run(sc, BETA, WORK_READ);
    run(sc, GAMMA, WORK_READ);
    run(sc, ALPHA, WORK_WRITE); /* opens it again */
    look_around(sc);
    scenario_power(sc, 1);
    if (sc->options.idle)
        wait_until_idle(sc);
    run(sc, GAMMA, WORK_WRITE);
    delete_gamma(sc);
    run(sc, GAMMA, WORK_READ);
    run(sc, GAMMA, WORK_WRITE);
}

static bool exists(struct scenario *sc, int tenant)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s.db", sc->folder, scenario_names[tenant]);
    return access(path, F_OK) == 0;
}

static bool is_listed(struct scenario *sc, int tenant)
{
    struct tenant_name t;
    assert_ok(tenant_name_parse(str_from(scenario_names[tenant]), &t, e));
    return catalog_has(sc->en, &t);
}

/* The list of names becomes true by itself, at the latest with the next scan. */
static void check_list(struct scenario *sc)
{
    for (int t = 0; t < TENANTS; t++) {
        for (int ms = 0; is_listed(sc, t) != exists(sc, t); ms++) {
            if (ms == PATIENCE_MS)
                scenario_fail(sc, "%s is in the list or the folder, not in both",
                              scenario_names[t]);
            usleep(1000);
        }
    }
    scenario_expect(sc, catalog_count(sc->en) == exists(sc, 0) + exists(sc, 1) + exists(sc, 2));
}

int scenario_descriptors(void)
{
    int n = 0;
    struct stat st;
    for (int fd = 0; fd < 1024; fd++)
        n += fstat(fd, &st) == 0;
    return n;
}

static const char *make_folder(char out[64])
{
    bool memory = access("/dev/shm", W_OK) == 0;
    snprintf(out, 64, "%s/rowhouse-fault-XXXXXX", memory ? "/dev/shm" : "/tmp");
    return mkdtemp(out);
}

static void begin(struct scenario *sc)
{
    scenario_expect(sc, make_folder(sc->folder) && make_folder(sc->disk));
    sc->descriptors = scenario_descriptors();
    sc->sqlite_live = fault_sqlite_alloc_live();
    if (sc->source->disk)
        fault_vfs_install();
    engine_config_standard(&sc->config);
    sc->config.path = sc->folder;
    sc->config.app = scenario_app;
    sc->config.open_tenants_max = 2;
    sc->config.writer_threads = 2;
    sc->config.reader_threads = 2;
    sc->config.failed_retry_ms = 0;
    sc->config.busy_timeout_ms = 20;
    if (sc->options.idle)
        sc->config.idle_close_ms = 1;
    assert_ok(store_open(sc->folder, false, &scenario_app, &sc->store, e));
}

static void remove_folder(const char *folder)
{
    char path[400];
    DIR *d = opendir(folder);
    for (struct dirent *file; d && (file = readdir(d));) {
        snprintf(path, sizeof path, "%s/%s", folder, file->d_name);
        unlink(path); /* not "." and ".." */
    }
    if (d)
        closedir(d);
    rmdir(folder);
}

static void end(struct scenario *sc)
{
    for (int i = 0; i < sc->n_works; i++)
        sem_destroy(&sc->works[i].done);
    remove_folder(sc->folder);
    remove_folder(sc->disk);
    free(sc);
    running = NULL;
}

int64_t scenario_run(const struct fault_source *source, int64_t n, bool for_ever,
                     const struct scenario_options *options)
{
    struct scenario *sc = calloc(1, sizeof *sc);
    if (!sc)
        abort();
    *sc = (struct scenario){.source = source, .n = n, .for_ever = for_ever, .options = *options};
    running = sc;
    begin(sc);
    source->arm(n, for_ever);
    open_engine(sc);
    live(sc);
    if (for_ever && !options->close_under_fault)
        disarm(sc);
    for (int t = 0; t < TENANTS; t++) {
        run(sc, t, WORK_WRITE);
        run(sc, t, WORK_WRITE);
    }
    if (sc->disarmed || !for_ever)
        check_list(sc);
    take_events(sc);
    scenario_power(sc, 2);
    engine_close(sc->en);
    sc->en = NULL;
    disarm(sc);
    scenario_power(sc, 3);
    sc->life_works = sc->n_works;
    store_close(sc->store);
    int64_t fired = source->fired();
    scenario_check(sc);
    end(sc);
    return fired;
}
