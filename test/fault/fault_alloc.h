/*
 * Memory that runs out, for tests: SQLite's own allocator, and malloc, calloc
 * and realloc of the program (link with fault_libc_dep). What SQLite does not
 * give back is counted, so that a leak shows at once.
 */
#ifndef ROWHOUSE_TEST_FAULT_ALLOC_H
#define ROWHOUSE_TEST_FAULT_ALLOC_H

#include "test/fault/fault_count.h"

/* Allocations of SQLite. */
extern struct fault_count fault_sqlite_alloc;

/* Puts the counting allocator under SQLite, and takes its small-object cache
 * away, which would hide most allocations. Before SQLite is used at all. */
void fault_sqlite_alloc_install(void);

/* SQLite's allocations that are not freed. */
int64_t fault_sqlite_alloc_live(void);

/* Allocations of the program by libc. */
extern struct fault_count fault_libc_alloc;

#endif
