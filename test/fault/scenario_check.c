#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/fault/fault_alloc.h"
#include "test/fault/fault_vfs.h"
#include "test/fault/scenario_internal.h"

void scenario_power(struct scenario *sc, int moment)
{
    if (!sc->source->disk || sc->n % POWER_MOMENTS != moment)
        return;
    sc->power_works = sc->n_works;
    sc->power_deletion = sc->deletion;
    fault_vfs_disk(sc->disk, (uint64_t)sc->n + 1);
}

/* Whether an engine that was given up left something behind it. */
static void check_leaks(struct scenario *sc)
{
    scenario_expect(sc, scenario_descriptors() == sc->descriptors);
    scenario_expect(sc, fault_sqlite_alloc_live() == sc->sqlite_live);
}

static long long ask(struct scenario *sc, sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) || sqlite3_step(st) != SQLITE_ROW)
        scenario_fail(sc, "%s: %s", sql, sqlite3_errmsg(db));
    long long v = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return v;
}

/* What the tenant's file must say of one write. */
enum fate { FATE_THERE, FATE_NOT_THERE, FATE_EITHER };

/* Outcomes that say that nothing was written; others leave it open. */
static bool says_undone(int rc)
{
    return rc == ERR_NOMEM || rc == ERR_DISK_FULL || rc == ERR_INVALID || rc == ERR_TIMEOUT ||
           rc == ERR_NOT_FOUND || rc == ERR_BUSY;
}

static enum fate fate_of(const struct scenario *sc, const struct work *w, bool power_lost)
{
    enum deletion deletion = power_lost ? sc->power_deletion : sc->deletion;
    if (power_lost && w->id >= sc->power_works && w->id < sc->life_works)
        return FATE_NOT_THERE;
    if (w->deleted_after && deletion != DELETION_NONE)
        return deletion == DELETION_DONE ? FATE_NOT_THERE : FATE_EITHER;
    if (says_undone(w->rc))
        return FATE_NOT_THERE;
    if (w->rc || (power_lost && w->kind == WORK_RELAXED))
        return FATE_EITHER;
    return FATE_THERE;
}

static void check_rows(struct scenario *sc, sqlite3 *db, int tenant, bool power_lost)
{
    for (int i = 0; i < sc->n_works; i++) {
        const struct work *w = &sc->works[i];
        enum fate fate = fate_of(sc, w, power_lost);
        char sql[80];
        if (w->tenant != tenant || !w->job.write)
            continue;
        snprintf(sql, sizeof sql, "SELECT count(*) FROM row WHERE id IN (%d, %d)", i, i + TWIN);
        long long rows = ask(sc, db, sql);
        bool right =
            fate == FATE_EITHER ? rows == 0 || rows == 2 : rows == (fate == FATE_THERE ? 2 : 0);
        if (!right)
            scenario_fail(sc, "write %d of %s was answered by %d %s, and has %lld rows%s", i,
                          scenario_names[tenant], w->rc, w->job.err.text, rows,
                          power_lost ? " after a loss of power" : "");
    }
}

static bool exists(const char *folder, int tenant, const char *ending)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s%s", folder, scenario_names[tenant], ending);
    return access(path, F_OK) == 0;
}

/* Closed by the last engine: nothing lies beside the databases. */
static void check_file(struct scenario *sc, const char *folder, int tenant, bool power_lost)
{
    char path[128];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/%s.db", folder, scenario_names[tenant]);
    scenario_expect(sc, !exists(folder, tenant, ".db-wal") && !exists(folder, tenant, ".db-shm"));
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL))
        scenario_fail(sc, "%s: %s", path, sqlite3_errmsg(db));
    scenario_expect(sc, ask(sc, db,
                            "SELECT count(*) = 1 AND min(integrity_check) = 'ok'"
                            " FROM pragma_integrity_check") == 1);
    scenario_expect(sc, ask(sc, db, "SELECT count(*) FROM info WHERE id = 1") == 1);
    check_rows(sc, db, tenant, power_lost);
    sqlite3_close(db);
}

static void check_no_leftovers(struct scenario *sc, const char *folder)
{
    DIR *d = opendir(folder);
    scenario_expect(sc, d != NULL);
    for (struct dirent *file; (file = readdir(d));)
        scenario_expect(sc, strncmp(file->d_name, ".rowhouse-new", 13) != 0);
    closedir(d);
}

/* An engine that nothing disturbs opens the folder, serves every tenant, and
 * closes it; then the files are looked at. */
static void check_folder(struct scenario *sc, const char *folder, bool power_lost)
{
    struct err err = ERR_INIT;
    sc->config.path = folder;
    if (engine_open(&sc->config, &sc->en, &err))
        scenario_fail(sc, "engine_open afterwards: %s", err.text);
    int first = sc->n_works;
    for (int t = 0; t < TENANTS; t++)
        scenario_write(sc, t);
    engine_close(sc->en);
    sc->en = NULL;
    check_no_leftovers(sc, folder);
    for (int t = 0; t < TENANTS; t++)
        check_file(sc, folder, t, power_lost);
    sc->n_works = first; /* of this folder only */
}

static void check_answers(struct scenario *sc)
{
    for (int i = 0; i < sc->n_works; i++)
        scenario_expect(sc, atomic_load(&sc->works[i].answers) == 1);
}

void scenario_check(struct scenario *sc)
{
    check_answers(sc);
    if (sc->source->disk)
        fault_vfs_remove();
    check_leaks(sc);
    check_folder(sc, sc->folder, false);
    if (sc->source->disk)
        check_folder(sc, sc->disk, true);
}
