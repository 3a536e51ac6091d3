/*
 * Items as clients send them: the first byte says whether the rest is a JSON
 * body (whole or merge patch) or a form. Which are right is worked out again
 * from the contract: `name` 1 to 500 characters, not only white space, no
 * control characters; `description` null or up to 10,000, line breaks allowed;
 * any field that is neither of them nor the server's own is wrong.
 */
#include "app/items.h"

#include "fuzz.h"
#include "http/exchange.h"
#include "oracle.h"

/* Unicode's White_Space. */
static bool is_white(int32_t c)
{
    static const int32_t white[] = {0x09,   0x0a,   0x0b,   0x0c,   0x0d,   0x20,   0x85,
                                    0xa0,   0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004,
                                    0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028,
                                    0x2029, 0x202f, 0x205f, 0x3000};
    for (size_t i = 0; i < sizeof white / sizeof *white; i++)
        if (white[i] == c)
            return true;
    return false;
}

static bool text_right(struct str s, bool is_name)
{
    size_t chars = 0, whites = 0;
    for (size_t at = 0; at < s.n; chars++) {
        int32_t c = oracle_utf8_next(s, &at);
        bool line = !is_name && (c == '\n' || c == '\r' || c == '\t');
        if (c < 0 || ((c < 0x20 || (c >= 0x7f && c <= 0x9f)) && !line))
            return false;
        whites += is_white(c);
    }
    return is_name ? chars <= 500 && whites < chars : chars <= 10000;
}

static bool value_right(const json_t *value, bool is_name)
{
    if (!value || json_is_null(value))
        return !is_name;
    return json_is_string(value) &&
           text_right(str_make(json_string_value(value), json_string_length(value)), is_name);
}

static bool body_right(json_t *body, bool patch)
{
    static const char *const known[] = {"name", "description", "id", "created_at", "updated_at"};
    const char *key;
    json_t *value;
    if (!json_is_object(body))
        return false;
    json_object_foreach(body, key, value)
    {
        size_t i = 0;
        while (i < 5 && strcmp(key, known[i]) != 0)
            i++;
        if (i == 5)
            return false;
    }
    json_t *name = json_object_get(body, "name");
    return ((patch && !name) || value_right(name, true)) &&
           value_right(json_object_get(body, "description"), false);
}

/* What a wrong request says is fit for an answer. */
static void check_errors(const struct request *rq, bool right)
{
    FUZZ_CHECK((rq->field_errors == NULL) == right);
    for (const struct field_error *fe = rq->field_errors; fe; fe = fe->next)
        FUZZ_CHECK(utf8_valid(fe->field) && fe->message.n > 0);
}

static void check_value(const struct field *f, const json_t *value)
{
    FUZZ_CHECK(f->given == (value != NULL) && !f->wrong);
    FUZZ_CHECK(optstr_is_some(f->value) == json_is_string(value));
    if (json_is_string(value))
        FUZZ_SAME(optstr_or(f->value, STR("")), str_from(json_string_value(value)));
}

static void check_json(struct exchange *ex, bool patch)
{
    struct field fields[ITEM_FIELDS];
    json_t *body;
    if (request_json(&ex->rq, &body) < 0)
        return;
    bool right = body_right(body, patch);
    int rc = fields_from_json(&ex->rq, body, "", patch ? FIELDS_PATCH : FIELDS_ALL, item_rules,
                              ITEM_FIELDS, fields);
    FUZZ_CHECK(rc == (right ? 0 : ERR_INVALID));
    check_errors(&ex->rq, right);
    if (right) {
        check_value(&fields[ITEM_NAME], json_object_get(body, "name"));
        check_value(&fields[ITEM_DESCRIPTION], json_object_get(body, "description"));
    }
}

/* A field of the form as it is to be kept. */
static int form_value(struct str body, const char *name, struct buf *ret)
{
    struct buf raw = BUF_INIT;
    int found = oracle_form_find(body, str_from(name), &raw);
    for (size_t i = 0; i < raw.n; i++)
        if (raw.p[i] != '\r' || i + 1 == raw.n || raw.p[i + 1] != '\n')
            buf_char(ret, raw.p[i]);
    buf_free(&raw);
    return found;
}

static void check_form(struct exchange *ex)
{
    struct field fields[ITEM_FIELDS];
    struct buf name = BUF_INIT, description = BUF_INIT;
    int has_name = form_value(ex->rq.body, "name", &name);
    int has_description = form_value(ex->rq.body, "description", &description);
    bool readable = has_name >= 0 && has_description >= 0;
    bool right = text_right(buf_str(&name), true) && text_right(buf_str(&description), false);
    int rc = fields_from_form(&ex->rq, item_rules, ITEM_FIELDS, fields);
    FUZZ_CHECK(rc == (readable ? 0 : ERR_MALFORMED));
    if (rc == 0) {
        FUZZ_CHECK(fields_wrong(fields, ITEM_FIELDS) == !right);
        FUZZ_SAME(optstr_or(fields[ITEM_NAME].value, STR("")), buf_str(&name));
        FUZZ_SAME(optstr_or(fields[ITEM_DESCRIPTION].value, STR("")), buf_str(&description));
        FUZZ_CHECK(optstr_is_some(fields[ITEM_DESCRIPTION].value) == (description.n > 0));
    }
    buf_free(&name);
    buf_free(&description);
}

void fuzz_one(struct str in, struct arena *a)
{
    struct str rest = in;
    uint8_t what = fuzz_byte(&rest);
    struct exchange ex = {.rq = {.arena = a, .body = fuzz_own(rest)}};
    if (what % 3 == 2)
        check_form(&ex);
    else
        check_json(&ex, what % 3 == 1);
    json_decref(ex.json);
}
