/*
 * Heads of requests for unit tests of http/.
 */
#ifndef ROWHOUSE_TEST_UNIT_HTTP_HEAD_FIXTURE_H
#define ROWHOUSE_TEST_UNIT_HTTP_HEAD_FIXTURE_H

#include "http/head.h"
#include "test/unit/base/unit.h"

struct head_fixture {
    struct head head;
    struct header fields[HEAD_HEADERS_MAX + 1];
};

/* "NAME: VALUE" lines, separated by '\n'; the strings must outlive it. */
static inline struct head *head_make(struct head_fixture *f, const char *method, const char *target,
                                     const char *lines)
{
    struct str rest = str_from(lines);
    *f = (struct head_fixture){
        .head = {.method = str_from(method), .target = str_from(target), .minor = 1}};
    f->head.headers = f->fields;
    while (rest.p && rest.n) {
        struct str value = str_cut(&rest, '\n'), name = str_cut(&value, ':');
        f->fields[f->head.n_headers++] = (struct header){name, str_trim(value.p ? value : STR(""))};
    }
    return &f->head;
}

#endif
