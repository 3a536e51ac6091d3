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
    {OK, 200, 0, "ok", "ok", "OK"},
    {ERR_INTERNAL, 500, 1, "internal", "internal", "Something went wrong on the server"},
    {ERR_NOMEM, 503, 1, "out-of-memory", "out-of-memory", "The server is out of memory"},
    {ERR_MALFORMED, 400, 1, "malformed", "malformed", "The request cannot be read"},
    {ERR_INVALID, 422, 1, "invalid", "invalid", "A value breaks a rule"},
    {ERR_NOT_FOUND, 404, 1, "not-found", "not-found", "Not found"},
    {ERR_EXISTS, 409, 1, "exists", "exists", "It exists already"},
    {ERR_CONFLICT, 409, 1, "conflict", "conflict", "Conflict with something in progress"},
    {ERR_PRECONDITION, 412, 1, "precondition-failed", "precondition-failed",
     "It has changed in the meantime"},
    {ERR_TOO_LARGE, 413, 1, "too-large", "too-large", "Too large"},
    {ERR_BUSY, 503, 1, "busy", "busy", "The server is busy"},
    {ERR_TIMEOUT, 503, 1, "timeout", "timeout", "It took too long"},
    {ERR_IO, 503, 1, "io-error", "io-error", "The disk failed"},
    {ERR_DISK_FULL, 507, 1, "disk-full", "disk-full", "The disk is full"},
    {ERR_READ_ONLY, 503, 1, "read-only", "read-only", "The disk takes no writes"},
    {ERR_CORRUPT, 503, 1, "tenant-corrupt", "tenant-corrupt", "This tenant's database is damaged"},
    {ERR_NEWER, 503, 1, "tenant-newer", "tenant-newer",
     "This tenant's database is newer than the server"},
    {ERR_ALTERED, 503, 1, "migration-altered", "migration-altered",
     "A migration of this tenant's database has changed"},
    {ERR_REPLACED, 503, 1, "tenant-replaced", "tenant-replaced",
     "This tenant's database was removed or replaced"},
    {ERR_AGAIN, 503, 1, "try-again", "try-again", "Not yet: try again"},
    {ERR_PERMISSION, 503, 1, "permission", "permission", "The server may not use this file"},
    {ERR_SHUTDOWN, 503, 1, "shutting-down", "shutting-down", "The server is shutting down"},
    {ERR_USAGE, 500, 2, "usage", "usage", "A command line or setting is wrong"},
    {ERR_RATE, 429, 1, "rate-limited", "rate-limited", "Too many requests"},
    {ERR_UNUSABLE, 503, 1, "tenant-unusable", "tenant-unusable",
     "This tenant's database cannot be used"},
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
        e->text[0] = '\0';
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
