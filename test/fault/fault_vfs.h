/*
 * A VFS for tests, over the system's own: it forgets what was not synced, and
 * fails the calls that it is told to.
 *
 * It keeps, for each database and WAL, the bytes that are surely on the disk
 * (those of the last successful xSync) and the writes since then. At
 * fault_vfs_power_loss() every further call of the running process fails, and
 * fault_vfs_disk() writes what a disk could hold at that moment into another
 * folder: of the writes since the last sync each is there, or not, or torn at
 * a sector of 512 bytes, as the seed decides. The index of the WAL (-shm) is
 * memory and is lost.
 *
 * One per process; thread-safe; install before the first connection.
 */
#ifndef ROWHOUSE_TEST_FAULT_VFS_H
#define ROWHOUSE_TEST_FAULT_VFS_H

#include <stdbool.h>
#include <stdint.h>

/* A write that fails has written half. After a flush that failed the disk does
 * not get what was to be flushed, also not by a later flush that succeeds. */
enum fault_call {
    FAULT_READ,
    FAULT_WRITE,
    FAULT_SYNC,
    FAULT_TRUNCATE,
    FAULT_OPEN,
    FAULT_SIZE,
    FAULT_LOCK,
    FAULT_SHM_MAP,
    FAULT_SHM_LOCK,
    FAULT_DELETE,
    FAULT_ACCESS,
    FAULT_CALLS
};

/* Registers the VFS as the default one. */
void fault_vfs_install(void);

/* Makes it the system's own again, and forgets all files. No connection may be
 * open. */
void fault_vfs_remove(void);

/* The n-th call (from 1) of that kind from now on fails with `sqlite_rc`, and
 * with `for_ever` every later one too. n = 0: none. */
void fault_vfs_fail(enum fault_call call, int64_t n, int sqlite_rc, bool for_ever);

/* No call fails any more; what was counted stays. */
void fault_vfs_stop(void);

/* From now on only calls on files with this in their path count and fail; NULL:
 * all. The text outlives its use. */
void fault_vfs_only(const char *part);

/* From now on each file takes so long to close. */
void fault_vfs_slow_close(int64_t ms);

/* How many calls failed since the last fault_vfs_fail(). */
int64_t fault_vfs_failed(void);

/* How many calls of that kind there were since the VFS was installed. */
int64_t fault_vfs_calls(enum fault_call call);

/* From now on nothing reaches the disk. */
void fault_vfs_power_loss(void);

/* Writes the files that the disk could hold into `folder`, under their own
 * names. */
void fault_vfs_disk(const char *folder, uint64_t seed);

#endif
