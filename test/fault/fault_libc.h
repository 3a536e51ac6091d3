/*
 * System calls that fail, for tests: those of our own code by the linker's
 * --wrap (link with fault_libc_dep), and those of SQLite by the table of system
 * calls that its VFS has, so that it sees a true errno.
 *
 * One kind is armed at a time. A write that fails has written half.
 */
#ifndef ROWHOUSE_TEST_FAULT_LIBC_H
#define ROWHOUSE_TEST_FAULT_LIBC_H

#include "test/fault/fault_count.h"

enum fault_libc_call {
    LIBC_NONE,
    LIBC_OPEN,   /* open, openat, fdopendir, eventfd, inotify_init1 */
    LIBC_READ,   /* read, pread, readdir */
    LIBC_WRITE,  /* write, pwrite, fallocate */
    LIBC_SYNC,   /* fsync */
    LIBC_SIZE,   /* ftruncate */
    LIBC_NAME,   /* renameat2, linkat, mkdir */
    LIBC_UNLINK, /* unlink, unlinkat */
    LIBC_LOOK,   /* stat and its kin, access, realpath */
    LIBC_LOCK,   /* flock, fcntl: ours */
    LIBC_LOCK_SQLITE,
    LIBC_MAP,    /* mmap */
    LIBC_THREAD, /* pthread_create */
    LIBC_CALLS
};

/* What is armed, and how often it passed and failed. */
extern struct fault_count fault_libc;

/* The calls of that kind count and fail, with `error` as errno, from now on. */
void fault_libc_choose(enum fault_libc_call call, int error);

/* Puts itself between SQLite and the system. Before the first connection. */
void fault_libc_install(void);

/* What CLOCK_REALTIME shows, from now on, beside the true time: jumps. */
void fault_clock_shift(int64_t ns);

#endif
