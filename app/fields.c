/*
 * Text fields of what a client sends. See fields.h.
 *
 * Which characters are white space and control characters is Unicode's
 * White_Space and Cc; openapi.json says the same as patterns.
 */
#include "app/fields.h"

/* A hostile body may hold any number of wrong fields: enough are named. */
enum { WRONG_FIELDS_MAX = 20, SHOWN_NAME_BYTES = 64 };

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

static bool is_line_or_tab(uint32_t c)
{
    return c == '\n' || c == '\r' || c == '\t';
}

static bool is_white(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

const char *field_text_wrong(const struct field_rule *rule, struct str text)
{
    size_t chars = 0;
    bool blank = true;
    if (!utf8_valid(text))
        return rule->says;
    for (size_t at = 0; at < text.n; chars++) {
        uint32_t c = utf8_next(text, &at);
        if (is_control(c) && !(rule->lines && is_line_or_tab(c)))
            return rule->says;
        blank = blank && is_white(c);
    }
    return chars > rule->max_chars || (rule->required && blank) ? rule->says : NULL;
}

static const char *field_wrong(const struct field_rule *rule, const struct field *f)
{
    if (!optstr_is_some(f->value))
        return rule->required ? rule->says : NULL;
    return field_text_wrong(rule, optstr_or(f->value, STR("")));
}

static bool enough_said(const struct request *rq)
{
    int n = 0;
    for (const struct field_error *fe = rq->field_errors; fe; fe = fe->next)
        n++;
    return n >= WRONG_FIELDS_MAX;
}

/* As "name" or, in a batch, "[3].name". */
static int note_wrong(struct request *rq, const char *prefix, const char *name, const char *what)
{
    char field[SHOWN_NAME_BYTES * 2];
    struct str shown = str_sub(str_from(name), 0, SHOWN_NAME_BYTES);
    while (shown.n && !utf8_valid(shown))
        shown.n--;
    snprintf(field, sizeof field, "%s%s%.*s", prefix, *prefix ? "." : "", STR_ARG(shown));
    if (!enough_said(rq))
        request_field_error(rq, field, "%s", what);
    return ERR_INVALID;
}

static struct field field_of_json(const struct field_rule *rule, const json_t *value)
{
    struct field f = {.given = value != NULL};
    if (json_is_string(value))
        f.value = optstr_some(str_make(json_string_value(value), json_string_length(value)));
    f.wrong = value && !json_is_string(value) && !json_is_null(value) ? rule->says
                                                                      : field_wrong(rule, &f);
    return f;
}

static bool known(const char *name, const struct field_rule *rules, size_t n)
{
    static const char *const set_by_server[] = {"id", "created_at", "updated_at"};
    for (size_t i = 0; i < sizeof set_by_server / sizeof *set_by_server; i++)
        if (strcmp(name, set_by_server[i]) == 0)
            return true;
    for (size_t i = 0; i < n; i++)
        if (strcmp(name, rules[i].name) == 0)
            return true;
    return false;
}

static int refuse_unknown(struct request *rq, json_t *object, const char *prefix,
                          const struct field_rule *rules, size_t n)
{
    int rc = 0;
    for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i))
        if (!known(json_object_iter_key(i), rules, n))
            rc = note_wrong(rq, prefix, json_object_iter_key(i), "is not a field of this resource");
    return rc;
}

int fields_from_json(struct request *rq, json_t *j, const char *prefix, enum fields_mode mode,
                     const struct field_rule *rules, size_t n, struct field *ret)
{
    if (!json_is_object(j))
        return note_wrong(rq, "", *prefix ? prefix : "body", "must be a JSON object");
    int rc = refuse_unknown(rq, j, prefix, rules, n);
    for (size_t i = 0; i < n; i++) {
        ret[i] = field_of_json(&rules[i], json_object_get(j, rules[i].name));
        if (mode == FIELDS_PATCH && !ret[i].given)
            ret[i].wrong = NULL;
        if (ret[i].wrong)
            rc = note_wrong(rq, prefix, rules[i].name, ret[i].wrong);
    }
    return rc;
}

/* Browsers send line breaks as CRLF. None where memory is out. */
static struct optstr lf_only(struct arena *arena, struct str text)
{
    char *to = arena_alloc(arena, text.n);
    size_t n = 0;
    for (size_t i = 0; to && i < text.n; i++)
        if (text.p[i] != '\r' || i + 1 == text.n || text.p[i + 1] != '\n')
            to[n++] = text.p[i];
    return (struct optstr){to, n};
}

static int field_of_form(struct request *rq, const struct field_rule *rule, struct field *ret)
{
    struct str text;
    int rc = request_form(rq, rule->name, &text);
    if (rc < 0)
        return rc;
    *ret = (struct field){.given = rc == 1};
    if (rc == 1 && text.n) {
        ret->value = lf_only(rq->arena, text);
        if (!optstr_is_some(ret->value))
            return request_fail(rq, ERR_NOMEM, "No memory for the form");
    }
    ret->wrong = field_wrong(rule, ret);
    return 0;
}

int fields_from_form(struct request *rq, const struct field_rule *rules, size_t n,
                     struct field *ret)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = field_of_form(rq, &rules[i], &ret[i]);
    return rc;
}

bool fields_wrong(const struct field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fields[i].wrong)
            return true;
    return false;
}
