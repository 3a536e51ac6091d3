/*
 * tmplgen: HTML templates to typed C. What its parts share.
 *
 *   main.c     the command line, files in and out
 *   lex.c      text, {{ expressions }}, {% tags %}, {# comments #}; positions
 *   expr.c     is this one C expression and nothing more?
 *   parse.c    templates to a tree
 *   resolve.c  names: fragments that are called, pages that are extended
 *   context.c  the HTML context at every byte; chooses the escaping macros
 *   markup.c   what HTML itself says: elements, attributes, schemes
 *   walk.c     carries the context through ifs, loops, blocks, inheritance
 *   emit.c     the tree to C
 *
 * The program runs once and exits: all memory comes from one arena that is
 * freed at the end. One thread.
 */
#ifndef ROWHOUSE_GEN_TMPLGEN_H
#define ROWHOUSE_GEN_TMPLGEN_H

#include "base/buf.h"

enum { DIAG_MAX = 20, NEST_MAX = 64, CHAIN_MAX = 8 };

struct source {
    const char *path; /* as given: errors and #line name it so */
    struct str text;
};

/* A place in a file; line and column are worked out when they are needed. */
struct pos {
    const struct source *src;
    size_t off;
};

struct line_col {
    unsigned line, col; /* from 1; col counts bytes, as clang does */
};

struct line_col pos_line_col(struct pos p);

/* The errors that were reported, so that none is twice (a base template is
 * walked once for each page that extends it). */
struct diag {
    struct str seen[DIAG_MAX];
    unsigned n;
    struct arena *arena;
};

/* Prints `file:line:col: error: text` to stderr. */
void diag_error(struct diag *d, struct pos p, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

enum token_kind { TOK_TEXT, TOK_EXPR, TOK_TAG, TOK_END };

struct token {
    enum token_kind kind;
    struct pos pos;     /* of the text, or of the opening brace */
    struct pos content; /* of what is inside, without white space around it */
    struct str text;    /* the text, or what is inside */
};

struct lexer {
    struct source *src;
    size_t at;
    struct diag *diag;
    bool failed;
};

/* The next token; TOK_END at the end and after an error. */
struct token lex_next(struct lexer *lx);

/* The name at the head of *s (empty where there is none) is cut off, and white
 * space around it. */
struct str lex_name(struct str *s);
struct str lex_trim(struct str s);
bool is_name_char(char c);

struct expr {
    struct str text;
    struct pos pos;
};

/* Reports whatever makes e more or less than one C expression, or than a list
 * of them where ret_n is not NULL (then it gets their number). */
bool expr_check(struct diag *d, struct expr e, unsigned *ret_n);

/* The offset of the first `c` of s outside of brackets, strings and ?: pairs,
 * or s.n. */
size_t expr_find(struct str s, char c);

/* The string or character literal that begins at s.p[at]: the offset behind
 * it, or 0 where it is not closed on its line. */
size_t expr_skip_literal(struct str s, size_t at);

enum node_kind { NODE_TEXT, NODE_EXPR, NODE_CALL, NODE_FOR, NODE_IF, NODE_SOME, NODE_BLOCK };

struct node {
    enum node_kind kind;
    struct pos pos;
    struct node *next;
    struct str name;           /* variable, block, or called fragment */
    struct str text;           /* TEXT: as written */
    struct expr expr;          /* EXPR, IF, SOME; FOR: the array; CALL: all arguments */
    struct expr count;         /* FOR */
    struct node *body, *other; /* other: else or none */
    unsigned id;               /* makes names of our own unique */

    /* Filled by the walk over one page, read when that page is emitted. */
    struct str out;    /* TEXT: what to append */
    const char *macro; /* EXPR: "html_text" */
    bool reached;      /* BLOCK: some page's output has it */
};

struct param {
    struct str decl, name; /* `const struct view *v`, `v` */
    struct pos pos;
};

struct tmpl {
    bool fragment;
    struct str name;
    struct pos pos;
    struct param *params;
    unsigned n_params;
    struct node *body;
    struct node **blocks; /* all of them, however deep; by source order */
    unsigned n_blocks;
    struct str base_name; /* empty: extends nothing */
    struct expr base_args;
    struct pos base_pos;
    struct tmpl *base;
    struct tmpl *next;
};

struct unit {
    struct arena arena;
    struct diag diag;
    struct tmpl *templates, **tail;
    unsigned n_nodes;
};

/* Adds the templates of one file to the unit. */
void parse_file(struct unit *u, struct source *src);

/* Finds every name; reports those that are not there or do not fit. */
void resolve(struct unit *u);
const struct tmpl *unit_find(const struct unit *u, struct str name);

/* A page with all that it extends: chain[0] is the page itself. */
struct chain {
    const struct tmpl *levels[CHAIN_MAX];
    unsigned n;
};

/* The block that stands in for `slot` (met in level `level`): *ret_level says
 * whose it is. `slot` itself where nobody overrides it. */
struct node *chain_block(const struct chain *c, unsigned level, struct node *slot,
                         unsigned *ret_level);
struct chain chain_of(const struct tmpl *t);

/* Walks one page: fills out, macro and reached of its nodes. */
bool walk_page(struct unit *u, const struct chain *c);

/* Appends the C of one page that was walked. */
struct emit {
    struct buf *b;
    const char *path; /* of the C file, for #line */
    struct buf lit;   /* static text that waits to be appended as one */
    unsigned line;    /* in b, 1 based, kept by emit.c */
    size_t counted;   /* bytes of b that `line` has counted */
    const struct chain *chain;
};
void emit_page(struct emit *e, const struct chain *c);
void emit_prototype(struct emit *e, const struct tmpl *t);

#endif
