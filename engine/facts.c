/*
 * What can be said about a tenant and the engine without opening anything.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "engine/engine_internal.h"

static int64_t size_of(const char *path, const char *ending, bool *ret_exists)
{
    char name[4096 + 8];
    struct stat st;
    snprintf(name, sizeof name, "%s%s", path, ending);
    *ret_exists = stat(name, &st) == 0;
    return *ret_exists ? (int64_t)st.st_size : 0;
}

static void facts_of_open(struct engine *en, struct tenant *t, struct tenant_facts *ret)
{
    const struct engine_app *app = &en->config.app;
    pthread_mutex_lock(&t->lock);
    ret->state = t->state;
    ret->readers = t->readers;
    ret->writers = t->writer_open;
    ret->connections = t->readers + t->writer_open;
    if (t->state == TENANT_READY) /* it is opened only with every migration applied */
        ret->schema_version = app->migration_count;
    if (t->state == TENANT_FAILED)
        ret->failure = t->failure;
    pthread_mutex_unlock(&t->lock);
}

int engine_facts(struct engine *en, const struct tenant_name *name, struct tenant_facts *ret,
                 struct err *e)
{
    struct tenant_facts f = {.state = TENANT_ABSENT};
    bool exists, wal;
    store_file(en->store, name, f.path);
    f.file_bytes = size_of(f.path, "", &exists);
    f.wal_bytes = size_of(f.path, "-wal", &wal);
    struct tenant *t = registry_find(&en->registry, name);
    if (t) {
        facts_of_open(en, t, &f);
        registry_unref(&en->registry, t);
    }
    if (!exists && f.state == TENANT_ABSENT)
        return err_set(e, ERR_NOT_FOUND, "there is no tenant '%s'", name->s);
    *ret = f;
    return 0;
}

void engine_stats(struct engine *en, struct engine_stats *ret)
{
    *ret = (struct engine_stats){
        .open_tenants = registry_open_count(&en->registry),
        .connections = atomic_load(&en->connections),
        .write_queue = atomic_load(&en->waiting),
        .threads = en->workers[WORKER_WRITE].n + en->workers[WORKER_READ].n + en->janitor_runs,
    };
}
