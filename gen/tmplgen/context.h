/*
 * The HTML context: where in a page a byte stands.
 *
 * A context is a plain value. Static text moves it (context_text), an
 * interpolation asks it for its macro (context_expr), and where two ways meet
 * (after an if, around a loop) they must agree (context_join).
 */
#ifndef ROWHOUSE_GEN_TMPLGEN_CONTEXT_H
#define ROWHOUSE_GEN_TMPLGEN_CONTEXT_H

#include "gen/tmplgen/tmplgen.h"

enum state {
    IN_TEXT,
    IN_TAG_NAME,   /* behind `<a`, and the text ends there */
    IN_TAG,        /* behind white space: an attribute may begin */
    IN_TAG_TIGHT,  /* behind a name or a value: white space, / or > must follow */
    IN_ATTR_NAME,  /* behind ` hre`, and the text ends there */
    BEFORE_VALUE,  /* behind `href=`, and the text ends there */
    IN_VALUE_BARE, /* an unquoted value, and the text ends there */
    IN_VALUE,      /* quoted */
    IN_RCDATA,     /* title, textarea */
    IN_RAW,        /* style, script: nothing may be put in */
    IN_JSON,       /* script of a JSON type */
    IN_COMMENT,
    IN_DOCTYPE,
};

enum attr_kind {
    ATTR_TEXT,
    ATTR_URL,
    ATTR_EVENT, /* on... */
    ATTR_STYLE,
    ATTR_FIXED, /* decides what other bytes mean: type of a script, srcdoc ... */
};

/* How far a URL value has come. */
enum url_part {
    URL_START,   /* nothing yet: a whole URL may follow */
    URL_PREFIX,  /* static letters that may turn out to be a scheme */
    URL_DYNAMIC, /* the same, but some of it is not static */
    URL_ROOT,    /* a slash and nothing else */
    URL_PATH,
    URL_QUERY,
    URL_FOREIGN, /* behind a scheme that takes no parts: data: ... */
    URL_UNCLEAR, /* one branch had something, the other nothing */
};

/* An element that is open; they form a stack, shared by all contexts. */
struct element {
    struct str name;
    struct pos pos;
    const struct element *parent;
};

struct context {
    enum state state;
    const struct element *top;
    struct str tag, attr; /* names, while in a tag or in an element of raw text */
    struct pos tag_pos;
    char quote;
    enum attr_kind attr_kind;
    enum url_part url;
    bool script_typed;  /* the script tag has a type ... */
    bool script_json;   /* ... of JSON */
    bool json_string;   /* inside a string of a JSON block */
    bool json_escape;   /* behind its backslash */
    bool http_equiv;    /* the tag has that attribute */
    bool content_given; /* the tag's `content` is not static */
    bool newline;       /* the output surely ends in one (or is empty) */
};

/* Moves *c over the static text of n and sets n->out. False, and reported,
 * where the text is not proper HTML. */
bool context_text(struct unit *u, struct context *c, struct node *n);

/* Sets n->macro and moves *c over the interpolation n. */
bool context_expr(struct unit *u, struct context *c, struct node *n);

/* A tag of the template stands at `pos`: names that may go on end here. False
 * where no tag may stand. */
bool context_settle(struct unit *u, struct context *c, struct pos pos);

/* Makes *a stand for both. False where they are two different contexts. */
bool context_join(struct context *a, const struct context *b);

/* "text in <li>", for messages; in the unit's arena. */
struct str context_describe(struct unit *u, const struct context *c);

/* ---- markup.c ---- */
bool str_is(struct str s, const char *lower_case); /* ASCII letters folded */
bool element_is_void(struct str name);
bool element_is_raw(struct str name); /* style, script, iframe ... */
bool element_is_rcdata(struct str name);
bool element_within(const struct element *top, const char *name);
bool element_in_foreign(const struct element *top); /* svg, math */
bool element_stacks_equal(const struct element *a, const struct element *b);
enum attr_kind attr_classify(struct str tag, struct str attr);
bool script_type_is_json(struct str type);
bool url_scheme_takes_parts(struct str scheme);
bool url_scheme_is_code(struct str scheme);

#endif
