/* app/fields.c with the rules of app/items.c: what a name and a description may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "app/items.h"

/* What fields.c asks of http/: the wrong fields as "name name", a form's fields. */
static struct {
    struct buf wrong;
    const char *form[4]; /* name, value, name, value */
    int form_rc;
} fake;

void request_field_error(struct request *rq, const char *field, const char *fmt, ...)
{
    struct field_error *fe = arena_new(rq->arena, struct field_error);
    assert_string_equal(fmt, "%s");
    fe->next = rq->field_errors;
    rq->field_errors = fe;
    buf_printf(&fake.wrong, "%s%s", fake.wrong.n ? " " : "", field);
}

int request_fail(struct request *rq, int code, const char *fmt, ...)
{
    (void)rq;
    (void)fmt;
    return code;
}

int request_form(struct request *rq, const char *name, struct str *ret)
{
    (void)rq;
    for (int i = 0; i < 4 && fake.form[i]; i += 2)
        if (strcmp(fake.form[i], name) == 0) {
            *ret = str_from(fake.form[i + 1]);
            return 1;
        }
    return fake.form_rc;
}

/* What the rest of items.c asks for, which no test here reaches. */
int request_limit(struct request *r, unsigned standard, unsigned max, unsigned *ret)
{
    (void)r, (void)standard, (void)max, (void)ret;
    abort();
}

int request_cursor(struct request *r, struct str binding, struct str *ret_position)
{
    (void)r, (void)binding, (void)ret_position;
    abort();
}

struct str etag_of(struct arena *a, const struct str *parts, size_t n)
{
    (void)a, (void)parts, (void)n;
    abort();
}

static struct arena arena;
static struct request rq;

static int start(void **state)
{
    (void)state;
    arena = (struct arena)ARENA_INIT;
    rq = (struct request){.arena = &arena};
    memset(&fake, 0, sizeof fake);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_free(&arena);
    buf_free(&fake.wrong);
    return 0;
}

static struct str repeated(const char *unit, size_t n)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < n; i++)
        buf_add(&b, str_from(unit));
    struct str all = arena_copy(&arena, buf_str(&b));
    buf_free(&b);
    return all;
}

static bool name_ok(struct str s)
{
    const char *wrong = field_text_wrong(&item_rules[ITEM_NAME], s);
    assert_true(!wrong || wrong == item_rules[ITEM_NAME].says);
    return !wrong;
}

static bool description_ok(struct str s)
{
    return !field_text_wrong(&item_rules[ITEM_DESCRIPTION], s);
}

static void names_by_the_rule(void **state)
{
    static const struct {
        const char *text;
        bool name, description;
    } table[] = {
        {"a", true, true},
        {"Project Alpha", true, true},
        {" a ", true, true},
        {"0", true, true},
        {"日本語", true, true},
        {"\xF0\x9F\x8F\xA0", true, true}, /* U+1F3E0 */
        {"\xE2\x80\x8B", true, true},     /* U+200B is no white space */
        {"", false, true},
        {" ", false, true},
        {" \xC2\xA0\xE3\x80\x80 ", false, true},   /* no-break and ideographic space */
        {"\xE2\x80\xA8\xE2\x80\xA9", false, true}, /* line and paragraph separator */
        {"a\tb", false, true},
        {"a\nb", false, true},
        {"a\r\nb", false, true},
        {"a\x01", false, false},
        {"a\x1f", false, false},
        {"a\x0b", false, false},
        {"a\x7f", false, false},
        {"a\xC2\x80", false, false},    /* U+0080 */
        {"a\xC2\x9F", false, false},    /* U+009F */
        {"a\xC2\xA0", true, true},      /* U+00A0 is not a control character */
        {"a\xff", false, false},        /* not UTF-8 */
        {"\xED\xA0\x80", false, false}, /* a surrogate */
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (name_ok(str_from(table[i].text)) != table[i].name ||
            description_ok(str_from(table[i].text)) != table[i].description)
            fail_msg("row %zu", i);
    }
    assert_false(name_ok(str_make("a\0b", 3)));
    assert_false(description_ok(str_make("a\0b", 3)));
}

static void lengths_are_code_points(void **state)
{
    (void)state;
    assert_true(name_ok(repeated("a", 500)));
    assert_false(name_ok(repeated("a", 501)));
    assert_true(name_ok(repeated("\xF0\x9F\x8F\xA0", 500)));
    assert_false(name_ok(repeated("\xF0\x9F\x8F\xA0", 501)));
    assert_true(description_ok(repeated("é", 10000)));
    assert_false(description_ok(repeated("é", 10001)));
}

/* The codes and the wrong fields, "2 name [3].name". */
static void expect_json(const char *text, const char *prefix, enum fields_mode mode,
                        const char *wrong)
{
    struct field f[ITEM_FIELDS];
    json_t *j = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(j);
    buf_reset(&fake.wrong);
    rq.field_errors = NULL;
    int rc = fields_from_json(&rq, j, prefix, mode, item_rules, ITEM_FIELDS, f);
    assert_string_equal(buf_cstr(&fake.wrong), wrong);
    assert_int_equal(rc, *wrong ? ERR_INVALID : 0);
    json_decref(j);
}

static void json_bodies(void **state)
{
    (void)state;
    expect_json("{\"name\":\"a\"}", "", FIELDS_ALL, "");
    expect_json("{\"name\":\"a\",\"description\":null}", "", FIELDS_ALL, "");
    expect_json("{\"name\":\"a\",\"id\":7,\"created_at\":[],\"updated_at\":null}", "", FIELDS_ALL,
                "");
    expect_json("{}", "", FIELDS_ALL, "name");
    expect_json("{\"name\":null}", "", FIELDS_ALL, "name");
    expect_json("{\"name\":5}", "", FIELDS_ALL, "name");
    expect_json("{\"name\":\"\",\"description\":{}}", "", FIELDS_ALL, "name description");
    expect_json("{\"name\":\"a\",\"colour\":1}", "", FIELDS_ALL, "colour");
    expect_json("{\"name\":\"a\",\"\":1,\"x\":2}", "", FIELDS_ALL, "x");
    expect_json("[]", "", FIELDS_ALL, "body");
    expect_json("7", "", FIELDS_ALL, "body");
    expect_json("{\"nam\":\"a\"}", "[3]", FIELDS_ALL, "[3].nam [3].name");
    expect_json("null", "[3]", FIELDS_ALL, "[3]");
}

static void patches(void **state)
{
    struct field f[ITEM_FIELDS];
    json_t *j = json_loads("{\"description\":null}", 0, NULL);
    (void)state;
    assert_int_equal(fields_from_json(&rq, j, "", FIELDS_PATCH, item_rules, ITEM_FIELDS, f), 0);
    assert_false(f[ITEM_NAME].given);
    assert_true(f[ITEM_DESCRIPTION].given);
    assert_false(optstr_is_some(f[ITEM_DESCRIPTION].value));
    json_decref(j);
    expect_json("{}", "", FIELDS_PATCH, "");
    expect_json("{\"name\":\"b\"}", "", FIELDS_PATCH, "");
    expect_json("{\"name\":null}", "", FIELDS_PATCH, "name");
    expect_json("{\"x\":null}", "", FIELDS_PATCH, "x");
    expect_json("\"b\"", "", FIELDS_PATCH, "body");
}

static void a_hostile_body_is_named_in_part(void **state)
{
    struct buf text = BUF_INIT;
    (void)state;
    buf_lit(&text, "{\"name\":\"a\"");
    for (int i = 0; i < 1000; i++)
        buf_printf(&text, ",\"%060dé%d\":1", i, i);
    buf_lit(&text, "}");
    json_t *j = json_loads(buf_cstr(&text), 0, NULL);
    struct field f[ITEM_FIELDS];
    assert_int_equal(fields_from_json(&rq, j, "", FIELDS_ALL, item_rules, ITEM_FIELDS, f),
                     ERR_INVALID);
    int n = 0;
    for (struct field_error *fe = rq.field_errors; fe; fe = fe->next)
        n++;
    assert_int_equal(n, 20);
    assert_true(fake.wrong.n < 20 * 66);
    assert_true(utf8_valid(buf_str(&fake.wrong)));
    json_decref(j);
    buf_free(&text);
}

static void forms(void **state)
{
    struct field f[ITEM_FIELDS];
    (void)state;
    fake.form[0] = "name", fake.form[1] = "a";
    fake.form[2] = "description", fake.form[3] = "one\r\ntwo\rthree\r";
    assert_int_equal(fields_from_form(&rq, item_rules, ITEM_FIELDS, f), 0);
    assert_false(fields_wrong(f, ITEM_FIELDS));
    assert_true(str_eq(optstr_or(f[ITEM_DESCRIPTION].value, STR("")), STR("one\ntwo\rthree\r")));

    fake.form[1] = "  ", fake.form[3] = "";
    assert_int_equal(fields_from_form(&rq, item_rules, ITEM_FIELDS, f), 0);
    assert_true(fields_wrong(f, ITEM_FIELDS));
    assert_null(rq.field_errors);
    assert_true(str_eq(optstr_or(f[ITEM_NAME].value, STR("")), STR("  ")));
    assert_false(optstr_is_some(f[ITEM_DESCRIPTION].value));
    assert_null(f[ITEM_DESCRIPTION].wrong);

    fake.form[0] = NULL;
    fake.form_rc = ERR_MALFORMED;
    assert_int_equal(fields_from_form(&rq, item_rules, ITEM_FIELDS, f), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_by_the_rule, start, stop),
        cmocka_unit_test_setup_teardown(lengths_are_code_points, start, stop),
        cmocka_unit_test_setup_teardown(json_bodies, start, stop),
        cmocka_unit_test_setup_teardown(patches, start, stop),
        cmocka_unit_test_setup_teardown(a_hostile_body_is_named_in_part, start, stop),
        cmocka_unit_test_setup_teardown(forms, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
