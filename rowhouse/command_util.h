/*
 * What the commands share: options, complaints, numbers for people, progress.
 * One thread.
 */
#ifndef ROWHOUSE_COMMAND_UTIL_H
#define ROWHOUSE_COMMAND_UTIL_H

#include <popt.h>
#include <stdio.h>

#include "engine/store.h"
#include "rowhouse/commands.h"

enum { EXIT_MISUSE = 2 };

/* "rowhouse: TEXT" on stderr; the exit status that belongs to the code. */
int complain(const struct command_context *cx, int rc, const struct err *e);

/* The usage line on stderr; EXIT_MISUSE. */
int misuse(const struct command_context *cx, const char *usage);

/* Reads the options of one command or sub-command; *ret_args are the plain
 * arguments, borrowed from argv, in an array that free() takes. False: misuse. */
bool read_options(int argc, const char **argv, const struct poptOption *options,
                  const char ***ret_args, int *ret_n);

/* ERR_USAGE with the rule, where it is no name. */
int read_name(const char *text, struct tenant_name *ret, struct err *e);

/* Flushes stdout: 0, or EXIT_FAILURE with a complaint where the output could
 * not be written. To end a command with. */
int finish_output(const struct command_context *cx, int status);

/* "12,345" and "16.0 KiB" on a terminal, plain digits elsewhere. */
enum { NUMBER_BYTES = 32 };
const char *people_count(int64_t n, bool terminal, char out[NUMBER_BYTES]);
const char *people_bytes(int64_t n, bool terminal, char out[NUMBER_BYTES]);

/* Names in order, owned; free() takes p. */
struct name_list {
    struct tenant_name *p;
    size_t n, cap;
};
int name_list_read(struct store *s, struct name_list *ret, struct err *e);

/*
 * A line that shows how far a long command has come. On stderr, and only where
 * that is a terminal; before anything else is printed, progress_hide().
 */
struct progress {
    const char *what; /* "migrating" */
    int64_t total, done, failed;
    int64_t began_ns, shown_ns;
    bool on, visible;
};

void progress_begin(struct progress *p, const char *what, size_t total);
void progress_step(struct progress *p, bool failed);
void progress_hide(struct progress *p);

#endif
