/*
 * The one table of errors, and filling a struct err.
 */
#include "base/err.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* In the order of the codes: err_table[-code]. */
static const struct err_info err_table[] = {
    {OK, "ok", 200, "ok", "OK", 0},
    {ERR_INTERNAL, "internal", 500, "internal", "Something went wrong on the server", 1},
    {ERR_NOMEM, "out-of-memory", 503, "out-of-memory", "The server is out of memory", 1},
    {ERR_MALFORMED, "malformed", 400, "malformed", "The request cannot be read", 1},
    {ERR_INVALID, "invalid", 422, "invalid", "A value breaks a rule", 1},
    {ERR_NOT_FOUND, "not-found", 404, "not-found", "Not found", 1},
    {ERR_EXISTS, "exists", 409, "exists", "It exists already", 1},
    {ERR_CONFLICT, "conflict", 409, "conflict", "Conflict with something in progress", 1},
    {ERR_PRECONDITION, "precondition-failed", 412, "precondition-failed",
     "It has changed in the meantime", 1},
    {ERR_TOO_LARGE, "too-large", 413, "too-large", "Too large", 1},
    {ERR_BUSY, "busy", 503, "busy", "The server is busy", 1},
    {ERR_TIMEOUT, "timeout", 503, "timeout", "It took too long", 1},
    {ERR_IO, "io-error", 503, "io-error", "The disk failed", 1},
    {ERR_DISK_FULL, "disk-full", 507, "disk-full", "The disk is full", 1},
    {ERR_READ_ONLY, "read-only", 503, "read-only", "The disk takes no writes", 1},
    {ERR_CORRUPT, "tenant-corrupt", 503, "tenant-corrupt", "This tenant's database is damaged", 1},
    {ERR_NEWER, "tenant-newer", 503, "tenant-newer",
     "This tenant's database is newer than the server", 1},
    {ERR_ALTERED, "migration-altered", 503, "migration-altered",
     "A migration of this tenant's database has changed", 1},
    {ERR_REPLACED, "tenant-replaced", 503, "tenant-replaced",
     "This tenant's database was removed or replaced", 1},
    {ERR_AGAIN, "try-again", 503, "try-again", "Not yet: try again", 1},
    {ERR_PERMISSION, "permission", 503, "permission", "The server may not use this file", 1},
    {ERR_SHUTDOWN, "shutting-down", 503, "shutting-down", "The server is shutting down", 1},
    {ERR_USAGE, "usage", 500, "usage", "A command line or setting is wrong", 2},
    {ERR_RATE, "rate-limited", 429, "rate-limited", "Too many requests", 1},
    {ERR_UNUSABLE, "tenant-unusable", 503, "tenant-unusable",
     "This tenant's database cannot be used", 1},
};

_Static_assert(sizeof err_table / sizeof *err_table == -(int)ERR_CODE_END_,
               "a code lacks its line in err_table");

const struct err_info *err_info(int code)
{
    if (code > 0 || code <= ERR_CODE_END_)
        code = ERR_INTERNAL;
    return &err_table[-code];
}

/* Makes it one line of valid UTF-8: a cut character at the end is dropped,
 * other bytes that have no place in a line become '?'. */
static void make_line(char *text, bool was_cut)
{
    size_t n = strlen(text), at = 0;
    while (at < n) {
        size_t length = utf8_sequence(text + at, n - at);
        if (length == 0 && was_cut && n - at < 4) {
            text[at] = '\0';
            return;
        }
        if (length == 0 || (unsigned char)text[at] < 0x20 || text[at] == 0x7f)
            text[at] = '?';
        at += length ? length : 1;
    }
}

static void fill(struct err *e, enum err_code code, const char *fmt, va_list args)
{
    e->code = code;
    int n = vsnprintf(e->text, sizeof e->text, fmt, args);
    if (n < 0)
        strcpy(e->text, err_info(code)->title);
    make_line(e->text, n >= (int)sizeof e->text);
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
    if (e) {
        va_list args;
        va_start(args, fmt);
        fill(e, code, fmt, args);
        va_end(args);
    }
    return code;
}

static enum err_code code_of_errno(int errno_value)
{
    switch (errno_value) {
    case ENOSPC:
    case EDQUOT:
        return ERR_DISK_FULL;
    case EROFS:
        return ERR_READ_ONLY;
    case EACCES:
    case EPERM:
        return ERR_PERMISSION;
    case ENOMEM:
        return ERR_NOMEM;
    default:
        return ERR_IO;
    }
}

int err_errno(struct err *e, int errno_value, const char *fmt, ...)
{
    enum err_code code = code_of_errno(errno_value);
    if (!e)
        return code;
    va_list args;
    va_start(args, fmt);
    fill(e, code, fmt, args);
    va_end(args);

    char text[64];
    const char *reason = strerror_r(errno_value, text, sizeof text);
    size_t n = strlen(e->text);
    snprintf(e->text + n, sizeof e->text - n, ": %s", reason);
    return code;
}
