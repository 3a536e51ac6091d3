/*
 * Errors: one enum, one table.
 *
 * A function that can fail returns 0 or a negative `enum err_code`; what a
 * person needs to know goes into a `struct err` that the caller owns (NULL is
 * allowed wherever one is taken). The table maps each code to everything that
 * hangs on it: HTTP status, problem type, exit status of a command.
 */
#ifndef ROWHOUSE_BASE_ERR_H
#define ROWHOUSE_BASE_ERR_H

#include <stdarg.h>

enum err_code {
    OK = 0,
    ERR_INTERNAL = -1,  /* a broken invariant of ours */
    ERR_NOMEM = -2,     /* memory is out */
    ERR_MALFORMED = -3, /* input that cannot be read at all */
    ERR_INVALID = -4,   /* well-formed input that breaks a rule */
    ERR_NOT_FOUND = -5,
    ERR_EXISTS = -6,
    ERR_CONFLICT = -7,     /* with something that is in progress */
    ERR_PRECONDITION = -8, /* If-Match does not hold */
    ERR_TOO_LARGE = -9,
    ERR_BUSY = -10,    /* a queue or pool is full: come back later */
    ERR_TIMEOUT = -11, /* a deadline passed */
    ERR_IO = -12,      /* the disk failed */
    ERR_DISK_FULL = -13,
    ERR_READ_ONLY = -14, /* the disk takes no writes */
    ERR_CORRUPT = -15,   /* a tenant's file is damaged or not SQLite */
    ERR_NEWER = -16,     /* a tenant's file is newer than this program */
    ERR_ALTERED = -17,   /* a migration that was applied has changed since */
    ERR_REPLACED = -18,  /* a tenant's file was removed or replaced under us */
    ERR_AGAIN = -19,     /* not now: queued, or to be asked again */
    ERR_PERMISSION = -20,
    ERR_SHUTDOWN = -21, /* the engine is closing */
    ERR_USAGE = -22,    /* a command line or setting is wrong */
    ERR_RATE = -23,     /* a rate limit was reached */
    ERR_UNUSABLE = -24, /* a tenant cannot be opened for another reason */
    ERR_CODE_END_ = -25
};

enum { ERR_TEXT_BYTES = 256 };

struct err {
    enum err_code code;
    char text[ERR_TEXT_BYTES]; /* one line, says what was wrong and what to do */
};

#define ERR_INIT                                                                                   \
    {                                                                                              \
        OK,                                                                                        \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

/* Fills *e (where it is not NULL) and returns code, so that
 * `return err_set(e, ERR_IO, "...")` reads as one step. Overlong text is cut. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set, from errno: adds ": strerror", and maps ENOSPC and EDQUOT to
 * ERR_DISK_FULL, EROFS to ERR_READ_ONLY, EACCES and EPERM to ERR_PERMISSION,
 * ENOMEM to ERR_NOMEM, the rest to ERR_IO. */
int err_errno(struct err *e, int errno_value, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

struct err_info {
    enum err_code code;
    int http_status;     /* 507 */
    int exit_status;     /* of a command that ends with it */
    const char *name;    /* for logs: "disk-full" */
    const char *problem; /* last part of the problem type: "disk-full" */
    const char *title;   /* "The disk is full" */
};

/* Never NULL: an unknown code answers as ERR_INTERNAL. Any thread. */
const struct err_info *err_info(int code);

#endif
