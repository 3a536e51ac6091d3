/*
 * tmplgen: compiles HTML templates to typed C.
 *
 *   tmplgen --out-c X.c --out-h X.h [--include HEADER]... FILE.html...
 *
 * Reads every file, checks all of it, and writes both outputs or, after any
 * error, none. Exit status: 0; 1 where a template is wrong (at most 20 errors
 * are shown) or a file cannot be read or written; 2 for a wrong command line.
 * The templates' language is described in gen/README.md.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "gen/tmplgen/tmplgen.h"

enum { INPUTS_MAX = 256, INPUT_BYTES_MAX = 4 << 20 };

struct options {
    const char *out_c, *out_h;
    const char *includes[INPUTS_MAX], *files[INPUTS_MAX];
    unsigned n_includes, n_files;
};

static const char USAGE[] =
    "usage: tmplgen --out-c FILE.c --out-h FILE.h [--include HEADER]... FILE.html...\n";

static const char HELP[] =
    "\n"
    "Compiles HTML templates to typed C that escapes by context.\n"
    "\n"
    "  --out-c FILE      where the functions go\n"
    "  --out-h FILE      where their declarations go\n"
    "  --include HEADER  a header to #include, with the types that pages take\n"
    "  --help            this text\n";

/* The next value on the command line, or usage. */
static const char *option_value(int argc, char **argv, int *i)
{
    if (*i + 1 >= argc) {
        fprintf(stderr, "tmplgen: %s needs a value\n%s", argv[*i], USAGE);
        exit(2);
    }
    return argv[++*i];
}

static void parse_options(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help")) {
            printf("%s%s", USAGE, HELP);
            exit(0);
        } else if (!strcmp(argv[i], "--out-c")) {
            o->out_c = option_value(argc, argv, &i);
        } else if (!strcmp(argv[i], "--out-h")) {
            o->out_h = option_value(argc, argv, &i);
        } else if (!strcmp(argv[i], "--include") && o->n_includes < INPUTS_MAX) {
            o->includes[o->n_includes++] = option_value(argc, argv, &i);
        } else if (argv[i][0] != '-' && o->n_files < INPUTS_MAX) {
            o->files[o->n_files++] = argv[i];
        } else {
            fprintf(stderr, "tmplgen: unexpected '%s'\n%s", argv[i], USAGE);
            exit(2);
        }
    }
    if (!o->out_c || !o->out_h || o->n_files == 0) {
        fputs(USAGE, stderr);
        exit(2);
    }
}

static bool read_file(struct unit *u, const char *path, struct str *ret)
{
    FILE *f = fopen(path, "rb");
    struct buf b = BUF_INIT;
    char part[8192];
    bool ok;

    if (!f) {
        fprintf(stderr, "tmplgen: %s: %s\n", path, strerror(errno));
        return false;
    }
    for (size_t n; b.n < INPUT_BYTES_MAX && (n = fread(part, 1, sizeof part, f)) > 0;)
        buf_add(&b, str_make(part, n));
    ok = !ferror(f) && b.n < INPUT_BYTES_MAX && buf_ok(&b);
    fclose(f);
    if (ok)
        *ret = arena_copy(&u->arena, buf_str(&b));
    else
        fprintf(stderr, "tmplgen: %s: cannot be read, or is over 4 MiB\n", path);
    buf_free(&b);
    return ok;
}

/* Templates are UTF-8 text without control characters. */
static bool check_bytes(struct unit *u, const struct source *src)
{
    for (size_t i = 0; i < src->text.n; i++) {
        unsigned char c = (unsigned char)src->text.p[i];
        size_t n = c < 0x80 ? 1 : utf8_sequence(src->text.p + i, src->text.n - i);
        bool control = c < 0x20 && c != '\n' && c != '\t' && c != '\r';
        if (n == 0 || control || c == 0x7f) {
            diag_error(&u->diag, (struct pos){src, i},
                       n == 0 ? "this is not UTF-8" : "control character");
            return false;
        }
        i += n - 1;
    }
    return true;
}

static bool write_file(const char *path, const struct buf *b)
{
    FILE *f = buf_ok(b) ? fopen(path, "wb") : NULL;
    bool ok = f && fwrite(b->p, 1, b->n, f) == b->n;

    if (f)
        ok = fclose(f) == 0 && ok;
    if (!ok)
        fprintf(stderr, "tmplgen: %s: %s\n", path, strerror(errno));
    return ok;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static void add_guard(struct buf *b, const char *path)
{
    buf_lit(b, "TMPLGEN_");
    for (path = base_name(path); *path; path++)
        buf_char(b, is_name_char(*path) ? *path : '_');
    buf_char(b, '\n');
}

static void build_h(const struct unit *u, const struct options *o, struct buf *b)
{
    struct emit e = {.b = b, .path = o->out_h, .lit = BUF_INIT, .line = 1};

    buf_lit(b, "/* Made by tmplgen from templates: change those. */\n#ifndef ");
    add_guard(b, o->out_h);
    buf_lit(b, "#define ");
    add_guard(b, o->out_h);
    buf_lit(b, "\n#include \"base/html.h\"\n");
    for (unsigned i = 0; i < o->n_includes; i++)
        buf_printf(b, "#include \"%s\"\n", o->includes[i]);
    buf_char(b, '\n');
    for (const struct tmpl *t = u->templates; t; t = t->next)
        emit_prototype(&e, t);
    buf_lit(b, "#endif\n");
}

/* Walks and emits each page in turn: the marks of a walk are those of one
 * page. Pages behind an error are walked too, for their own errors. */
static void build_c(struct unit *u, const struct options *o, struct buf *b)
{
    struct emit e = {.b = b, .path = o->out_c, .lit = BUF_INIT, .line = 1};

    buf_printf(b,
               "/* Made by tmplgen from templates: change those. */\n"
               "#include \"%s\"\n\n",
               base_name(o->out_h));
    for (const struct tmpl *t = u->templates; t; t = t->next) {
        struct chain c = chain_of(t);
        if (walk_page(u, &c) && u->diag.n == 0)
            emit_page(&e, &c);
    }
    buf_free(&e.lit);
}

static bool compile(struct unit *u, const struct options *o)
{
    struct buf c = BUF_INIT, h = BUF_INIT;
    bool ok;

    resolve(u);
    if (u->diag.n == 0) {
        build_c(u, o, &c);
        build_h(u, o, &h);
    }
    ok = u->diag.n == 0 && write_file(o->out_c, &c) && write_file(o->out_h, &h);
    buf_free(&c);
    buf_free(&h);
    return ok;
}

int main(int argc, char **argv)
{
    static struct options o;
    struct unit u = {.arena = ARENA_INIT};
    bool ok = true;

    u.diag.arena = &u.arena;
    u.tail = &u.templates;
    parse_options(argc, argv, &o);
    for (unsigned i = 0; i < o.n_files; i++) {
        struct source *src = arena_new(&u.arena, struct source);
        src->path = o.files[i];
        if (!read_file(&u, src->path, &src->text))
            ok = false;
        else if (check_bytes(&u, src))
            parse_file(&u, src);
    }
    ok = ok && u.diag.n == 0 && compile(&u, &o);
    arena_free(&u.arena);
    return ok ? 0 : 1;
}
