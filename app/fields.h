/*
 * Text fields of what a client sends, read by a table of rules.
 *
 * A resource lists its fields once (`struct field_rule`); fields_from_json()
 * and fields_from_form() read a body by that list. What breaks a rule is noted
 * in the field; for JSON in the request too, which then ends in 422 with the
 * name of each wrong field.
 *
 * All strings are borrowed from the request. A request belongs to one thread.
 */
#ifndef ROWHOUSE_APP_FIELDS_H
#define ROWHOUSE_APP_FIELDS_H

#include "http/http.h"

struct field_rule {
    const char *name;
    size_t max_chars; /* code points */
    bool required;    /* neither missing, nor null, nor only white space */
    bool lines;       /* line breaks and tabs are allowed */
    const char *says; /* the rule for people: "must be ..." */
};

struct field {
    bool given;          /* in the body, also as null */
    struct optstr value; /* none: null, or missing */
    const char *wrong;   /* what is wrong with it; NULL: nothing */
};

enum fields_mode {
    FIELDS_ALL,   /* a missing field is null */
    FIELDS_PATCH, /* a missing field stays as it is (RFC 7396) */
};

/* The rule that `text` breaks as the value of a field, in words, or NULL. */
const char *field_text_wrong(const struct field_rule *rule, struct str text);

/* Reads the object `j`; `prefix` stands before the names of wrong fields ("[3]"
 * in a batch, else ""). Fields that the server sets itself are ignored, unknown ones are
 * wrong. ret has n fields. ERR_INVALID where something was wrong. */
int fields_from_json(struct request *rq, json_t *j, const char *prefix, enum fields_mode mode,
                     const struct field_rule *rules, size_t n, struct field *ret);

/* Reads a form: an empty field is null, line breaks become LF. Wrong fields are
 * left to be shown in the page again. 0 or a negative code, set in rq. */
int fields_from_form(struct request *rq, const struct field_rule *rules, size_t n,
                     struct field *ret);

/* True where one of them is wrong. */
bool fields_wrong(const struct field *fields, size_t n);

#endif
