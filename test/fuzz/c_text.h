/*
 * A plain reader of C, to judge what the generators emit: whatever a query
 * file or a template holds, its text must stay inside of the literals,
 * comments and brackets that the generator put around it.
 */
#ifndef ROWHOUSE_TEST_FUZZ_C_TEXT_H
#define ROWHOUSE_TEST_FUZZ_C_TEXT_H

#include "base/buf.h"

struct c_text {
    const char *wrong;  /* what is; NULL: nothing */
    size_t at;          /* where */
    struct buf strings; /* the string literals, decoded, joined where they stand side by
                           side; a NUL behind each. Owned */
    size_t n_functions; /* lines at the outermost level that begin with `void ` */
    size_t n_includes;
    size_t n_directives; /* besides #include and #line */
};

/* Literals and comments are closed, brackets pair, every directive is one that
 * a generator writes. */
void c_text_read(struct str text, struct c_text *ret);
void c_text_free(struct c_text *c);

/* Whether `literal` is one of the strings. */
bool c_text_has(const struct c_text *c, struct str literal);

#endif
