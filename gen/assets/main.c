/*
 * assets: embeds static files under names that change with their content.
 *
 *   assets --out-c X.c --out-h X.h --prefix /static/ FILE...
 *
 * `app.css` becomes /static/app-0123456789.css, with the first ten hex digits
 * of its BLAKE2b-256 hash, so that an answer may be cached for ever. X.c has
 * the table `assets` (base/asset.h) with all bytes; X.h declares it and gives
 * each file's URL a name that templates use: `asset_url_app_css`, a
 * `struct url`. References between files are not rewritten.
 *
 * Exit status: 0; 1 where a file cannot be embedded; 2 for a wrong command
 * line. Runs once and exits; one thread.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

enum { FILES_MAX = 256, FILE_BYTES_MAX = 16 << 20, HASH_BYTES = 32, NAME_HEX = 10, ETAG_HEX = 32 };

struct file {
    const char *path;
    struct str name;      /* without folders */
    struct str stem, ext; /* "app", ".css" */
    const char *content_type;
    struct buf bytes;
    char hash[HASH_BYTES * 2 + 1];
};

struct options {
    const char *out_c, *out_h, *prefix;
    struct file files[FILES_MAX];
    unsigned n_files;
};

static const char USAGE[] = "usage: assets --out-c FILE.c --out-h FILE.h --prefix /PATH/ FILE...\n";

static const char HELP[] = "\n"
                           "Embeds static files under URLs that change with their content.\n"
                           "\n"
                           "  --out-c FILE      where the table with all bytes goes\n"
                           "  --out-h FILE      where its declaration and the URLs go\n"
                           "  --prefix /PATH/   what the URLs begin with\n"
                           "  --help            this text\n";

static const struct {
    const char *ext, *content_type;
} CONTENT_TYPES[] = {
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".webp", "image/webp"},
    {".avif", "image/avif"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".txt", "text/plain; charset=utf-8"},
    {".webmanifest", "application/manifest+json"},
    {".wasm", "application/wasm"},
};

static const char *content_type_of(struct str ext)
{
    for (size_t i = 0; i < sizeof CONTENT_TYPES / sizeof *CONTENT_TYPES; i++)
        if (str_eq(ext, str_from(CONTENT_TYPES[i].ext)))
            return CONTENT_TYPES[i].content_type;
    return NULL;
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static struct str base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return str_from(slash ? slash + 1 : path);
}

/* A name must need no escaping in a URL, and have a type that is known. */
static bool name_file(struct file *f)
{
    size_t dot = 0;

    f->name = base_name(f->path);
    for (size_t i = 0; i < f->name.n; i++) {
        char c = f->name.p[i];
        if (!is_word_char(c) && c != '.' && c != '-' && c != '_') {
            fprintf(stderr, "assets: %s: only letters, digits, '.', '-' and '_' in a name\n",
                    f->path);
            return false;
        }
        dot = c == '.' ? i : dot;
    }
    f->stem = str_sub(f->name, 0, dot);
    f->ext = str_sub(f->name, dot, f->name.n - dot);
    f->content_type = content_type_of(f->ext);
    if (dot == 0 || !f->content_type) {
        fprintf(stderr, "assets: %s: the type of '%.*s' is not known\n", f->path, STR_ARG(f->ext));
        return false;
    }
    return true;
}

static bool read_bytes(struct file *f)
{
    FILE *in = fopen(f->path, "rb");
    char part[8192];
    bool ok;

    if (!in) {
        fprintf(stderr, "assets: %s: %s\n", f->path, strerror(errno));
        return false;
    }
    for (size_t n; f->bytes.n <= FILE_BYTES_MAX && (n = fread(part, 1, sizeof part, in)) > 0;)
        buf_add(&f->bytes, str_make(part, n));
    ok = !ferror(in) && f->bytes.n <= FILE_BYTES_MAX && buf_ok(&f->bytes);
    fclose(in);
    if (!ok)
        fprintf(stderr, "assets: %s: cannot be read, or is over 16 MiB\n", f->path);
    return ok;
}

static bool load_file(struct file *f)
{
    unsigned char hash[HASH_BYTES];
    struct str all;

    if (!name_file(f) || !read_bytes(f))
        return false;
    all = buf_str(&f->bytes);
    crypto_generichash(hash, sizeof hash, (const unsigned char *)all.p, all.n, NULL, 0);
    sodium_bin2hex(f->hash, sizeof f->hash, hash, sizeof hash);
    return true;
}

/* `asset_url_app_css`: what is no letter or digit becomes `_`. */
static void add_symbol(struct buf *b, const struct file *f)
{
    buf_lit(b, "asset_url_");
    for (size_t i = 0; i < f->name.n; i++)
        buf_char(b, is_word_char(f->name.p[i]) ? f->name.p[i] : '_');
}

static bool same_symbol(const struct file *a, const struct file *b)
{
    struct buf x = BUF_INIT, y = BUF_INIT;
    bool same;

    add_symbol(&x, a);
    add_symbol(&y, b);
    same = str_eq(buf_str(&x), buf_str(&y));
    buf_free(&x);
    buf_free(&y);
    return same;
}

static bool check_names(const struct options *o)
{
    for (unsigned i = 0; i < o->n_files; i++)
        for (unsigned j = 0; j < i; j++)
            if (same_symbol(&o->files[i], &o->files[j])) {
                fprintf(stderr, "assets: %s: its name is that of %s\n", o->files[i].path,
                        o->files[j].path);
                return false;
            }
    return true;
}

static void add_url(struct buf *b, const struct options *o, const struct file *f)
{
    buf_printf(b, "\"%s%.*s-%.*s%.*s\"", o->prefix, STR_ARG(f->stem), NAME_HEX, f->hash,
               STR_ARG(f->ext));
}

/* The bytes as one string literal, cut into lines. */
static void add_bytes(struct buf *b, struct str s)
{
    enum { LINE_BYTES = 64 };

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (i % LINE_BYTES == 0)
            buf_lit(b, "\n    \"");
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '?')
            buf_printf(b, "\\%03o", c);
        else
            buf_char(b, (char)c);
        if (i % LINE_BYTES == LINE_BYTES - 1 || i + 1 == s.n)
            buf_char(b, '"');
    }
    if (s.n == 0)
        buf_lit(b, "\"\"");
}

static void build_c(const struct options *o, struct buf *b)
{
    buf_printf(b,
               "/* Made by assets from static files: change those. */\n"
               "#include \"%s\"\n\nconst struct asset assets[] = {\n",
               base_name(o->out_h).p);
    for (unsigned i = 0; i < o->n_files; i++) {
        const struct file *f = &o->files[i];
        buf_printf(b, "    {STR_INIT(\"%.*s\"), STR_INIT(", STR_ARG(f->name));
        add_url(b, o, f);
        buf_printf(b, "),\n     STR_INIT(\"%s\"), STR_INIT(\"\\\"%.*s\\\"\"),\n     STR_INIT(",
                   f->content_type, ETAG_HEX, f->hash);
        add_bytes(b, buf_str(&f->bytes));
        buf_lit(b, ")},\n");
    }
    buf_lit(b, "};\n\nconst size_t assets_count = sizeof assets / sizeof *assets;\n");
}

static void add_guard(struct buf *b, const char *path)
{
    struct str name = base_name(path);

    buf_lit(b, "ASSETS_");
    for (size_t i = 0; i < name.n; i++)
        buf_char(b, is_word_char(name.p[i]) ? name.p[i] : '_');
    buf_char(b, '\n');
}

static void build_h(const struct options *o, struct buf *b)
{
    buf_lit(b, "/* Made by assets from static files: change those. */\n#ifndef ");
    add_guard(b, o->out_h);
    buf_lit(b, "#define ");
    add_guard(b, o->out_h);
    buf_lit(b, "\n#include \"base/asset.h\"\n#include \"base/html.h\"\n\n"
               "extern const struct asset assets[];\nextern const size_t assets_count;\n\n");
    for (unsigned i = 0; i < o->n_files; i++) {
        buf_lit(b, "#define ");
        add_symbol(b, &o->files[i]);
        buf_lit(b, " url_literal(");
        add_url(b, o, &o->files[i]);
        buf_lit(b, ")\n");
    }
    buf_lit(b, "\n#endif\n");
}

static bool write_file(const char *path, const struct buf *b)
{
    FILE *f = buf_ok(b) ? fopen(path, "wb") : NULL;
    bool ok = f && fwrite(b->p, 1, b->n, f) == b->n;

    if (f)
        ok = fclose(f) == 0 && ok;
    if (!ok)
        fprintf(stderr, "assets: %s: cannot be written: %s\n", path, strerror(errno));
    return ok;
}

static const char *option_value(int argc, char **argv, int *i)
{
    if (*i + 1 >= argc) {
        fprintf(stderr, "assets: %s needs a value\n%s", argv[*i], USAGE);
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
        } else if (!strcmp(argv[i], "--prefix")) {
            o->prefix = option_value(argc, argv, &i);
        } else if (argv[i][0] != '-' && o->n_files < FILES_MAX) {
            o->files[o->n_files++].path = argv[i];
        } else {
            fprintf(stderr, "assets: unexpected '%s'\n%s", argv[i], USAGE);
            exit(2);
        }
    }
    if (!o->out_c || !o->out_h || !o->prefix || o->n_files == 0) {
        fputs(USAGE, stderr);
        exit(2);
    }
}

/* A prefix is a path that needs no escaping anywhere. */
static void check_prefix(const char *prefix)
{
    struct str s = str_from(prefix);
    bool ok = str_starts(s, STR("/")) && str_ends(s, STR("/"));

    for (size_t i = 0; i < s.n; i++)
        ok = ok && (is_word_char(s.p[i]) || strchr("/-_.", s.p[i]));
    if (!ok) {
        fprintf(stderr, "assets: --prefix must be a plain path such as /static/\n");
        exit(2);
    }
}

static bool embed(struct options *o)
{
    struct buf c = BUF_INIT, h = BUF_INIT;
    bool ok = true;

    for (unsigned i = 0; i < o->n_files; i++)
        ok = load_file(&o->files[i]) && ok;
    ok = ok && check_names(o);
    if (ok) {
        build_c(o, &c);
        build_h(o, &h);
        ok = write_file(o->out_c, &c) && write_file(o->out_h, &h);
    }
    buf_free(&c);
    buf_free(&h);
    for (unsigned i = 0; i < o->n_files; i++)
        buf_free(&o->files[i].bytes);
    return ok;
}

int main(int argc, char **argv)
{
    static struct options o;

    parse_options(argc, argv, &o);
    check_prefix(o.prefix);
    return sodium_init() >= 0 && embed(&o) ? 0 : 1;
}
