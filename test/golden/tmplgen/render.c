/*
 * Renders the pages of a test.
 *
 *   render NAME     the page for the data below, to stdout
 *   render NAME -   the page once for each string of stdin, put in place of
 *                   every string of the data; strings and pages are preceded
 *                   by their length in decimal and a line feed
 *
 * list.inc, one line a page, is written by run.py.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pages.h"

static const struct {
    const char *name;
    void (*page)(struct buf *out, const struct view *v);
} PAGES[] = {
#include "list.inc"
};

static const struct row CHILDREN[] = {
    {.id = 4, .name = STR_INIT("child <1>"), .url = {STR_INIT("/4")}},
    {.id = 5, .name = STR_INIT("child 2"), .url = {STR_INIT("/5")}},
};

static const struct row ROWS[] = {
    {.id = 1, .name = STR_INIT("one & only"), .note = {"n<1>", 4}, .url = {STR_INIT("/1")}},
    {.id = 2, .name = STR_INIT("two"), .url = {STR_INIT("/2?a=b&c=d")}, .done = true},
    {.id = -3,
     .name = STR_INIT("</li>"),
     .note = {"", 0},
     .url = {STR_INIT("/3#\"")},
     .children = CHILDREN,
     .n_children = 2},
};

static struct view data(struct buf *scratch)
{
    return (struct view){
        .evil = STR_INIT("\"><img src=x onerror=alert(1)>' x='`=/"),
        .script = STR_INIT("</script><!--<script>alert(1)//javascript:alert(2)</title></textarea>"),
        .nul = STR_INIT("a\0b\\c\td\x01"),
        .utf8 =
            STR_INIT("Gr\xc3\xbc\xc3\x9f \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80 \xe2\x80\xa8"),
        .amp = STR_INIT("a&b &amp; &lt;i&gt; a=1&b=2+3 50%"),
        .dots = STR_INIT(".."),
        .plain = STR_INIT("plain"),
        .empty = STR_INIT(""),
        .newline = STR_INIT("\nfirst line\n  second"),
        .note = {"noted \"<>", 9},
        .count = {true, -7},
        .url = {STR_INIT("/a?b=c&d='e'\"")},
        .html = {STR_INIT("<em>made &amp; safe</em>")},
        .json = {STR_INIT("{\"k\":[\"</script>\",\"&\",1.5e3,true,null]}")},
        .n = -42,
        .small = 12,
        .lowest = INT64_MIN,
        .highest = UINT64_MAX,
        .yes = true,
        .rows = ROWS,
        .n_rows = 3,
        .scratch = scratch,
    };
}

static void put_everywhere(struct view *v, struct str s)
{
    v->evil = v->script = v->nul = v->utf8 = v->amp = v->dots = v->plain = s;
    v->empty = v->newline = s;
    v->note = optstr_some(s);
}

static int render_each(unsigned page)
{
    struct buf out = BUF_INIT, scratch = BUF_INIT;
    struct view v = data(&scratch);
    size_t n;

    while (scanf("%zu%*c", &n) == 1) {
        char *s = malloc(n + 1);
        if (!s || fread(s, 1, n, stdin) != n)
            return 1;
        put_everywhere(&v, str_make(s, n));
        buf_reset(&out);
        PAGES[page].page(&out, &v);
        if (!buf_ok(&out))
            return 1;
        printf("%zu\n", out.n);
        fwrite(out.p, 1, out.n, stdout);
        free(s);
    }
    buf_free(&out);
    buf_free(&scratch);
    return 0;
}

static int render_once(unsigned page)
{
    struct buf out = BUF_INIT, scratch = BUF_INIT;
    struct view v = data(&scratch);

    PAGES[page].page(&out, &v);
    fwrite(buf_str(&out).p, 1, out.n, stdout);
    buf_free(&out);
    buf_free(&scratch);
    return 0;
}

int main(int argc, char **argv)
{
    for (unsigned i = 0; argc > 1 && i < sizeof PAGES / sizeof *PAGES; i++)
        if (!strcmp(PAGES[i].name, argv[1]))
            return argc > 2 ? render_each(i) : render_once(i);
    fprintf(stderr, "render: no such page\n");
    return 2;
}
