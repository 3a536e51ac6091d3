/*
 * Logging: one event a line on stderr, text or JSON.
 *
 * Library code below the thread tops never logs; it returns errors. Every
 * line has a time, a level, a module and key=value fields; lines of different
 * threads never mix (one write(2) a line).
 *
 * The filter has the form of RUST_LOG: `LEVEL` or `MODULE=LEVEL`, separated by
 * commas, the last match wins by longest module; levels off, error, warn,
 * info, debug, trace. A module that does not exist is accepted (the seed's own
 * sample is "info,multi_tenant_app=debug"). A name stands for every module that
 * begins with it; a bare word that is no level is a module at trace.
 *
 * Values are escaped, so none can forge a line. A line has at most 4,096
 * bytes; values are cut at 1,024. What stderr does not take is dropped and
 * counted (rowhouse_log_dropped_total): logging never blocks for long. The
 * program must ignore SIGPIPE and keep descriptor 2 open.
 */
#ifndef ROWHOUSE_BASE_LOG_H
#define ROWHOUSE_BASE_LOG_H

#include "base/err.h"
#include "base/str.h"

enum log_level { LOG_OFF, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };
enum log_format { LOG_TEXT, LOG_JSON };

/* Before other threads start. The default is info, text. ERR_USAGE where the
 * filter cannot be read (says which part). */
int log_configure(struct str filter, enum log_format format, struct err *e);

/* Cheap enough for a request path. Any thread. */
bool log_enabled(const char *module, enum log_level level);

/* One field: LOG_S("tenant", str), LOG_I("status", 200). */
struct log_field {
    const char *key;
    struct str s;
    int64_t i;
    bool is_int;
};

#define LOG_S(k, v) ((struct log_field){.key = (k), .s = (v)})
#define LOG_C(k, v) ((struct log_field){.key = (k), .s = str_from(v)})
#define LOG_I(k, v) ((struct log_field){.key = (k), .i = (int64_t)(v), .is_int = true})

void log_write(enum log_level level, const char *module, const char *message,
               const struct log_field *fields, size_t n_fields);

/* log_event(LOG_INFO, "http", "listening", LOG_I("port", 8080)); */
#define log_event(level, module, message, ...)                                                     \
    do {                                                                                           \
        if (log_enabled((module), (level))) {                                                      \
            const struct log_field log_fields_[] = {{0}, ##__VA_ARGS__};                           \
            log_write((level), (module), (message), log_fields_ + 1,                               \
                      sizeof log_fields_ / sizeof *log_fields_ - 1);                               \
        }                                                                                          \
    } while (0)

#endif
