/*
 * The filter of the log, in the form of RUST_LOG. A part of base/log.c, apart
 * so that it can be tested without writing lines.
 */
#ifndef ROWHOUSE_BASE_LOG_FILTER_H
#define ROWHOUSE_BASE_LOG_FILTER_H

#include "base/log.h"

enum { LOG_FILTER_MODULES = 32, LOG_FILTER_NAME_BYTES = 64 };

struct log_filter {
    enum log_level level;   /* of modules that are not named */
    enum log_level highest; /* of all: above it nothing is written */
    size_t n_modules;
    struct log_filter_module {
        char name[LOG_FILTER_NAME_BYTES]; /* the beginning of a module's name */
        size_t name_bytes;
        enum log_level level;
    } modules[LOG_FILTER_MODULES];
};

/* Reads a filter; without a level of its own it has that of info. ERR_USAGE
 * where it cannot be read; *ret is untouched then. Pure. */
int log_filter_parse(struct str text, struct log_filter *ret, struct err *e);

/* The level up to which a module writes: that of the longest named beginning
 * of its name, else the general one. Pure. */
enum log_level log_filter_level(const struct log_filter *f, struct str module);

#endif
