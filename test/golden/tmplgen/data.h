/*
 * What the pages of these tests show: one of each type, and strings that try
 * to leave every context there is.
 */
#ifndef TEST_GOLDEN_TMPLGEN_DATA_H
#define TEST_GOLDEN_TMPLGEN_DATA_H

#include "base/html.h"

struct row {
    int id;
    struct str name;
    struct optstr note;
    struct url url;
    bool done;
    const struct row *children;
    size_t n_children;
};

struct view {
    struct str evil, script, nul, utf8, amp, dots, plain, empty, newline;
    struct optstr note, nothing;
    struct optint count, no_count;
    struct url url;
    struct html html;
    struct json_text json;
    int n;
    short small;
    int64_t lowest;
    uint64_t highest;
    bool yes, no;
    const char *chars;
    double real;
    const struct row *rows;
    size_t n_rows;
    struct buf *scratch;
};

static inline struct str shout(struct str s)
{
    return s.n ? s : STR("(nothing)");
}

static inline struct html bold(struct buf *b, struct str s)
{
    buf_reset(b);
    buf_lit(b, "<b>");
    html_escape(b, s);
    buf_lit(b, "</b>");
    return html_rendered(b);
}

#endif
