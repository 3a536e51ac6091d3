/*
 * The lock `.rowhouse.ddl` of a folder: who may make, open, close or remove
 * files by name at this moment.
 *
 * Shared: to make a tenant's file, to open a connection until its first read
 * is done (SQLite opens -wal and -shm by name then), and to close one that may
 * unlink them. Exclusive: to remove a tenant. The lock belongs to a descriptor
 * of its own each time, so threads of one process exclude one another as well
 * as processes do. Hold it for milliseconds.
 *
 * A waiting exclusive lock keeps new shared ones out, so that a busy server
 * cannot starve it. Both give up after STORE_DDL_WAIT_MS with ERR_BUSY, so
 * that a stopped process cannot block another for ever.
 */
#ifndef ROWHOUSE_ENGINE_STORE_LOCK_H
#define ROWHOUSE_ENGINE_STORE_LOCK_H

#include "engine/store.h"

enum { STORE_DDL_WAIT_MS = 10000 };

/* Any thread; not reentrant: a thread that has it exclusively must not ask
 * again. ERR_BUSY, ERR_PERMISSION, ERR_IO. In a folder that cannot be written
 * nobody makes or removes files: the lock is then granted without one. */
int store_ddl_lock(struct store *s, bool exclusive, int *ret_handle, struct err *e);

/* A negative handle is allowed. */
void store_ddl_unlock(struct store *s, int handle);

#endif
