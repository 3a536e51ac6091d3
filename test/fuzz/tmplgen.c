/*
 * tmplgen on templates. Complaints have a place inside of the file;
 * of a file that is accepted, the emitted C has as many functions as there are
 * templates, and no text or expression of the author leaves the
 * literal or the brackets that it was put into.
 *
 * The generator's command line is a part of this program under another name,
 * for what it does between reading and writing files.
 */
int tmplgen_main(int argc, char **argv);
#define main tmplgen_main
#include "gen/tmplgen/main.c" /* NOLINT(bugprone-suspicious-include) */
#undef main

#include <unistd.h>

#include "c_text.h"
#include "fuzz.h"

/* "t.html:LINE:COLUMN: error: ..." */
static void check_place(struct str complaint, struct str text)
{
    unsigned line = 0, column = 0;
    int n = 0;
    FUZZ_CHECK(sscanf(complaint.p, "t.html:%u:%u: error: %n", &line, &column, &n) == 2 && n > 0);
    for (unsigned i = 1; i < line; i++) {
        FUZZ_CHECK(str_index(text, '\n') < text.n);
        text = str_sub(text, str_index(text, '\n') + 1, text.n);
    }
    FUZZ_CHECK(line >= 1 && column >= 1 && column - 1 <= str_index(text, '\n'));
}

/* Each complaint was printed, and behind it nothing but the end of its line. */
static void check_messages(const struct unit *u, struct str text, const char *said)
{
    for (unsigned i = 0; i < u->diag.n; i++) {
        struct str complaint = u->diag.seen[i];
        check_place(complaint, text);
        FUZZ_CHECK(memcmp(said, complaint.p, complaint.n) == 0 && said[complaint.n] == '\n');
        said += complaint.n + 1;
    }
    FUZZ_CHECK(!*said);
}

static void check_emitted(struct unit *u)
{
    static const struct options o = {.out_c = "t.c", .out_h = "t.h"};
    struct buf c = BUF_INIT, h = BUF_INIT;
    struct c_text source, header;
    size_t n = 0;
    build_c(u, &o, &c);
    build_h(u, &o, &h);
    if (u->diag.n == 0) {
        FUZZ_CHECK(buf_ok(&c) && buf_ok(&h));
        c_text_read(buf_str(&c), &source);
        c_text_read(buf_str(&h), &header);
        if (source.wrong || header.wrong)
            dprintf(STDERR_FILENO, "%s%s\n%s\n", buf_cstr(&h), buf_cstr(&c),
                    source.wrong ? source.wrong : header.wrong);
        FUZZ_CHECK(!source.wrong && !header.wrong);
        for (const struct tmpl *t = u->templates; t; t = t->next)
            n++;
        FUZZ_CHECK(source.n_functions == n && header.n_functions == n);
        FUZZ_CHECK(source.n_includes == 1 && header.n_includes == 1);
        FUZZ_CHECK(source.n_directives == 0 && header.n_directives == 3);
        c_text_free(&source);
        c_text_free(&header);
    }
    buf_free(&c);
    buf_free(&h);
}

void fuzz_one(struct str in, struct arena *a)
{
    struct unit u = {.arena = ARENA_INIT};
    struct source src = {.path = "t.html", .text = arena_copy(a, in)};
    char *said = NULL;
    size_t n;
    FILE *terminal = stderr;
    FILE *messages = open_memstream(&said, &n);
    FUZZ_CHECK(messages != NULL);
    u.diag.arena = &u.arena;
    u.tail = &u.templates;
    stderr = messages;
    if (check_bytes(&u, &src))
        parse_file(&u, &src);
    if (u.diag.n == 0)
        resolve(&u);
    if (u.diag.n == 0)
        check_emitted(&u);
    stderr = terminal;
    fclose(messages);
    check_messages(&u, src.text, said);
    arena_free(&u.arena);
    free(said);
}
