#include "test/fault/fault_alloc.h"

#include <sqlite3.h>
#include <stdlib.h>

struct fault_count fault_sqlite_alloc;

static sqlite3_mem_methods real;
static _Atomic int64_t live;

static void *take(int n)
{
    if (fault_count_due(&fault_sqlite_alloc))
        return NULL;
    void *p = real.xMalloc(n);
    atomic_fetch_add(&live, p != NULL);
    return p;
}

static void give(void *p)
{
    atomic_fetch_sub(&live, p != NULL);
    real.xFree(p);
}

/* SQLite never asks with NULL or for 0 bytes. */
static void *grow(void *p, int n)
{
    return fault_count_due(&fault_sqlite_alloc) ? NULL : real.xRealloc(p, n);
}

void fault_sqlite_alloc_install(void)
{
    sqlite3_mem_methods m;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real))
        abort();
    m = real;
    m.xMalloc = take;
    m.xFree = give;
    m.xRealloc = grow;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &m) || sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0))
        abort();
}

int64_t fault_sqlite_alloc_live(void)
{
    return atomic_load(&live);
}
