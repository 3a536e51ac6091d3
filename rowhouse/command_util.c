/*
 * Options, complaints, numbers for people, the line of progress.
 */
#include "rowhouse/command_util.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { SHOW_EVERY_MS = 100, BAR_CELLS = 24, RATE_AFTER_MS = 1000 };

int complain(const struct command_context *cx, int rc, const struct err *e)
{
    fprintf(stderr, "%s: %s\n", cx->program, e->text);
    return err_info(rc)->exit_status;
}

int misuse(const struct command_context *cx, const char *usage)
{
    fprintf(stderr, "usage: %s %s\n", cx->program, usage);
    return EXIT_MISUSE;
}

bool read_options(int argc, const char **argv, const struct poptOption *options,
                  const char ***ret_args, int *ret_n)
{
    poptContext context = poptGetContext(NULL, argc, argv, options, 0);
    const char **args = calloc((size_t)argc + 1, sizeof *args);
    bool good = context && args && poptGetNextOpt(context) == -1;
    int n = 0;
    /* What popt hands out is its own: the same texts are in argv. */
    for (const char *arg; good && (arg = poptGetArg(context));) {
        for (int i = 1; i < argc && !args[n]; i++)
            args[n] = strcmp(argv[i], arg) == 0 ? argv[i] : NULL;
        n++;
    }
    poptFreeContext(context);
    if (!good) {
        free(args);
        return false;
    }
    *ret_args = args;
    *ret_n = n;
    return true;
}

int read_name(const char *text, struct tenant_name *ret, struct err *e)
{
    struct err why = ERR_INIT;
    if (tenant_name_parse(str_from(text), ret, &why))
        return err_set(e, ERR_USAGE, "%s", why.text);
    return 0;
}

int finish_output(const struct command_context *cx, int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "%s: cannot write the output: %s\n", cx->program, strerror(errno));
    return EXIT_FAILURE;
}

const char *people_count(int64_t n, bool terminal, char out[NUMBER_BYTES])
{
    char digits[NUMBER_BYTES];
    int len = snprintf(digits, sizeof digits, "%" PRId64, n);
    char *p = out;
    for (int i = 0; i < len; i++) {
        if (terminal && i && digits[i - 1] != '-' && (len - i) % 3 == 0)
            *p++ = ',';
        *p++ = digits[i];
    }
    *p = '\0';
    return out;
}

const char *people_bytes(int64_t n, bool terminal, char out[NUMBER_BYTES])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double v = (double)n;
    size_t unit = 0;
    for (; v >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        v /= 1024;
    if (!terminal)
        snprintf(out, NUMBER_BYTES, "%" PRId64, n);
    else
        snprintf(out, NUMBER_BYTES, unit ? "%.1f %s" : "%.0f %s", v, units[unit]);
    return out;
}

static int collect(void *ctx, const struct tenant_name *t)
{
    struct name_list *list = ctx;
    if (list->n == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 256;
        struct tenant_name *p = realloc(list->p, cap * sizeof *p);
        if (!p)
            return ERR_NOMEM;
        list->p = p;
        list->cap = cap;
    }
    list->p[list->n++] = *t;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct tenant_name *)a)->s, ((const struct tenant_name *)b)->s);
}

int name_list_read(struct store *s, struct name_list *ret, struct err *e)
{
    struct name_list list = {0};
    int rc = store_each(s, collect, &list, e);
    if (rc == ERR_NOMEM)
        err_set(e, rc, "out of memory");
    if (rc) {
        free(list.p);
        return rc;
    }
    if (list.n)
        qsort(list.p, list.n, sizeof *list.p, by_name);
    *ret = list;
    return 0;
}

void progress_begin(struct progress *p, const char *what, size_t total)
{
    *p = (struct progress){.what = what,
                           .total = (int64_t)total,
                           .began_ns = clock_mono_ns(),
                           .on = isatty(STDERR_FILENO) == 1};
}

static void show(struct progress *p, int64_t now_ns)
{
    char done[NUMBER_BYTES], total[NUMBER_BYTES], failed[NUMBER_BYTES], bar[BAR_CELLS + 1];
    int64_t cells = p->total ? p->done * BAR_CELLS / p->total : 0;
    for (int i = 0; i < BAR_CELLS; i++)
        bar[i] = i < cells ? '#' : '.';
    bar[BAR_CELLS] = '\0';
    fprintf(stderr, "\r%s [%s] %s/%s", p->what, bar, people_count(p->done, true, done),
            people_count(p->total, true, total));
    if (p->failed)
        fprintf(stderr, ", %s failed", people_count(p->failed, true, failed));
    int64_t spent_ms = (now_ns - p->began_ns) / NS_PER_MS;
    if (spent_ms > RATE_AFTER_MS && p->done)
        fprintf(stderr, ", %" PRId64 " s left", spent_ms * (p->total - p->done) / p->done / 1000);
    fputs("\x1b[K", stderr);
    fflush(stderr);
    p->visible = true;
    p->shown_ns = now_ns;
}

void progress_step(struct progress *p, bool failed)
{
    p->done++;
    p->failed += failed;
    int64_t now_ns = clock_mono_ns();
    if (p->on && now_ns - p->shown_ns >= SHOW_EVERY_MS * NS_PER_MS)
        show(p, now_ns);
}

void progress_hide(struct progress *p)
{
    if (!p->visible)
        return;
    fputs("\r\x1b[K", stderr);
    fflush(stderr);
    p->visible = false;
}
