/*
 * sqlgen: the command line, output files, dependency file.
 *
 * Nothing is written unless all is right, so that a build never goes on with
 * half of an output.
 */
#include <errno.h>
#include <getopt.h>
#include <sodium.h>
#include <stdlib.h>

#include "gen/sqlgen/sqlgen.h"

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, SLOTS = 4 };

static const char usage[] =
    "usage: sqlgen --module NAME --slot N [--migrations DIR]... [--queries FILE...] --out-c FILE "
    "--out-h FILE [--depfile FILE]\n";

static const char help[] =
    "\nChecks SQL queries against migrations, with the SQLite that is linked, and writes\n"
    "typed C for them.\n\n"
    "  --module NAME     prefix of what is defined: NAME_sql_module, NAME_migrations\n"
    "  --slot N          number of the module, 0 to 3, of its own in a program\n"
    "  --migrations DIR  NNNN_name.sql, versions 1, 2, 3 ...; the first folder is the\n"
    "                    module's own and is embedded, further ones are applied before\n"
    "                    it, so that the queries can use their tables\n"
    "  --queries FILE... query files\n"
    "  --out-c FILE      the source, in the same folder as\n"
    "  --out-h FILE      the header\n"
    "  --depfile FILE    what was read, as a make rule\n"
    "  --help\n\n"
    "A query file:\n\n"
    "  -- What it is for (a comment that becomes that of the function).\n"
    "  -- name: item_page :many      or :one, :exec\n"
    "  -- param: before text?        text, int, real, blob; ? where NULL is allowed\n"
    "  -- param: limit int\n"
    "  -- col: n int!                type of a result column that SQLite cannot tell,\n"
    "                                ! never NULL, ? may be NULL\n"
    "  -- scan-ok: reason            where reading a whole table is fine\n"
    "  SELECT ... ;\n\n"
    "Exit status: 0 done, 1 something was refused (file:line:col: error: ...), 2 misuse.\n";

struct options {
    struct emit_options emit;
    const char *depfile;
    const char **migrations, **queries; /* argc places each */
    int n_migrations, n_queries;
    bool help;
};

static bool take_option(struct options *o, int c, const char *value)
{
    switch (c) {
    case 'm':
        o->emit.module = value;
        return name_usable(str_from(value));
    case 's': {
        uint64_t slot;
        if (!str_to_u64(str_from(value), SLOTS - 1, &slot))
            return false;
        o->emit.slot = (unsigned)slot;
        return true;
    }
    case 'M':
        o->migrations[o->n_migrations++] = value;
        return true;
    case 'q':
    case 1: /* a plain word: a further query file */
        o->queries[o->n_queries++] = value;
        return true;
    case 'c':
        o->emit.path_c = value;
        return true;
    case 'h':
        o->emit.path_h = value;
        return true;
    case 'd':
        o->depfile = value;
        return true;
    case 'H':
        o->help = true;
        return true;
    default:
        return false;
    }
}

static bool parse_options(int argc, char **argv, struct options *o)
{
    static const struct option table[] = {{"module", required_argument, NULL, 'm'},
                                          {"slot", required_argument, NULL, 's'},
                                          {"migrations", required_argument, NULL, 'M'},
                                          {"queries", required_argument, NULL, 'q'},
                                          {"out-c", required_argument, NULL, 'c'},
                                          {"out-h", required_argument, NULL, 'h'},
                                          {"depfile", required_argument, NULL, 'd'},
                                          {"help", no_argument, NULL, 'H'},
                                          {NULL, 0, NULL, 0}};
    bool slot = false;
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "-", table, NULL)) != -1) {
        slot |= c == 's';
        if (!take_option(o, c, optarg))
            return false;
    }
    for (; optind < argc; optind++) /* behind "--" */
        o->queries[o->n_queries++] = argv[optind];
    o->emit.with_migrations = o->n_migrations > 0;
    o->emit.with_queries = o->n_queries > 0;
    return o->help || (o->emit.module && slot && o->emit.path_c && o->emit.path_h &&
                       (o->n_migrations || o->n_queries));
}

static void read_all(struct gen *g, const struct options *o)
{
    for (int i = 1; i < o->n_migrations && !g->errors; i++)
        schema_apply(g, o->migrations[i], false);
    if (o->n_migrations && !g->errors)
        schema_apply(g, o->migrations[0], true);
    if (g->errors) /* queries would only say that tables are missing */
        return;
    for (int i = 0; i < o->n_queries; i++) {
        const struct source *s = gen_read(g, o->queries[i]);
        if (s)
            parse_queries(g, s);
    }
    check_names(g);
    for (struct query *q = g->queries; q; q = q->next)
        check_query(g, q);
}

static void write_file(struct gen *g, const char *path, struct buf *b)
{
    FILE *f = fopen(path, "we");
    bool done = f && buf_ok(b) && fwrite(b->p, 1, b->n, f) == b->n;
    if (f && fclose(f) != 0)
        done = false;
    if (!done)
        report_file(g, path, "cannot be written: %s", strerror(errno));
}

/* A make rule; blanks and signs of make are escaped. */
static void print_depfile(struct gen *g, const struct options *o, struct buf *out)
{
    buf_printf(out, "%s:", o->emit.path_c);
    for (size_t i = 0; i < g->n_inputs; i++) {
        buf_lit(out, " \\\n  ");
        for (const char *p = g->inputs[i]; *p; p++) {
            if (*p == ' ' || *p == '#')
                buf_char(out, '\\');
            if (*p == '$')
                buf_char(out, '$');
            buf_char(out, *p);
        }
    }
    buf_char(out, '\n');
}

static void write_outputs(struct gen *g, struct options *o)
{
    CLEANUP(buf_free) struct buf c = BUF_INIT;
    CLEANUP(buf_free) struct buf h = BUF_INIT;
    CLEANUP(buf_free) struct buf d = BUF_INIT;
    CLEANUP(buf_free) struct buf from = BUF_INIT;
    for (int i = 0; i < o->n_migrations; i++)
        buf_printf(&from, "%s%s/", from.n ? ", " : "", o->migrations[i]);
    for (int i = 0; i < o->n_queries; i++)
        buf_printf(&from, "%s%s", from.n ? ", " : "", o->queries[i]);
    o->emit.made_from = buf_cstr(&from);
    emit_source(g, &o->emit, &c);
    emit_header(g, &o->emit, &h);
    print_depfile(g, o, &d);
    write_file(g, o->emit.path_h, &h);
    write_file(g, o->emit.path_c, &c);
    if (o->depfile)
        write_file(g, o->depfile, &d);
}

static int run(struct options *o)
{
    struct gen g;
    gen_init(&g, stderr);
    if (sodium_init() < 0 || !schema_open(&g))
        report_file(&g, "sqlgen", "SQLite or libsodium does not start");
    else
        read_all(&g, o);
    if (!g.errors)
        write_outputs(&g, o);
    if (g.errors > REPORT_MAX)
        fprintf(stderr, "sqlgen: %u further errors\n", g.errors - REPORT_MAX);
    int status = g.errors ? EXIT_REFUSED : EXIT_SUCCESS;
    gen_free(&g);
    return status;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    o.migrations = calloc((size_t)argc, sizeof *o.migrations);
    o.queries = calloc((size_t)argc, sizeof *o.queries);
    int status = EXIT_USAGE;
    if (!o.migrations || !o.queries || !parse_options(argc, argv, &o))
        fputs(usage, stderr);
    else if (o.help)
        status = printf("%s%s", usage, help) < 0 ? EXIT_REFUSED : EXIT_SUCCESS;
    else
        status = run(&o);
    free(o.migrations);
    free(o.queries);
    return status;
}
