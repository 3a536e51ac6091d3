/*
 * The JSON writer: the input is a program that writes one document twice, with
 * our writer and as jansson's objects; jansson must read ours as the same.
 */
#include "base/json.h"

#include <jansson.h>
#include <math.h>

#include "fuzz.h"
#include "oracle.h"

enum { DEPTH_MAX = 40, KEYS = 8 };

struct twin {
    struct json j;
    struct str program;
};

/* What the writer promises for a string: a byte outside UTF-8 is U+FFFD. */
static json_t *expected_string(struct str s)
{
    struct buf b = BUF_INIT;
    for (size_t at = 0; at < s.n;) {
        int32_t c = oracle_utf8_next(s, &at);
        oracle_utf8_add(&b, c < 0 ? 0xfffd : (uint32_t)c);
    }
    json_t *want = json_stringn(buf_str(&b).p, b.n);
    FUZZ_CHECK(want != NULL);
    buf_free(&b);
    return want;
}

static struct str take(struct str *program, size_t n)
{
    n = n < program->n ? n : program->n;
    struct str s = fuzz_own(str_make(program->p, n));
    *program = str_make(program->p + n, program->n - n);
    return s;
}

static json_t *write_string(struct twin *t)
{
    struct str s = take(&t->program, fuzz_byte(&t->program));
    json_str(&t->j, s);
    return expected_string(s);
}

static json_t *write_number(struct twin *t, uint8_t what)
{
    int64_t bits = 0;
    struct str s = take(&t->program, sizeof bits);
    memcpy(&bits, s.p, s.n);
    double real;
    memcpy(&real, &bits, sizeof real);
    switch (what % 3) {
    case 0:
        json_i64(&t->j, bits);
        return json_integer(bits);
    case 1:
        bits &= INT64_MAX; /* all that jansson reads */
        json_u64(&t->j, (uint64_t)bits);
        return json_integer(bits);
    default:
        json_double(&t->j, real);
        return isfinite(real) ? json_real(real) : json_null();
    }
}

static json_t *write_word(struct twin *t, uint8_t what)
{
    switch (what % 4) {
    case 0:
        json_none(&t->j);
        return json_null();
    case 1:
        json_bool(&t->j, true);
        return json_true();
    case 2:
        json_bool(&t->j, false);
        return json_false();
    default:
        json_optstr(&t->j, optstr_none());
        return json_null();
    }
}

static json_t *write_value(struct twin *t, int depth);

static json_t *write_array(struct twin *t, int depth)
{
    json_t *want = json_array();
    json_array_begin(&t->j);
    for (unsigned n = fuzz_byte(&t->program) % 8; n > 0; n--)
        json_array_append_new(want, write_value(t, depth + 1));
    json_array_end(&t->j);
    return want;
}

static json_t *write_object(struct twin *t, int depth)
{
    static const char *const keys[KEYS] = {"id", "name", "a", "b", "c", "", "created_at", "x y"};
    json_t *want = json_object();
    unsigned mask = fuzz_byte(&t->program);
    json_object_begin(&t->j);
    for (unsigned i = 0; i < KEYS; i++) {
        if (!(mask & 1u << i))
            continue;
        json_key_(&t->j, str_from(keys[i]));
        json_object_set_new(want, keys[i], write_value(t, depth + 1));
    }
    json_object_end(&t->j);
    return want;
}

static json_t *write_value(struct twin *t, int depth)
{
    uint8_t what = fuzz_byte(&t->program);
    bool deep = depth >= DEPTH_MAX || t->program.n == 0;
    switch (what & 7) {
    case 0:
    case 1:
        return write_word(t, what >> 3);
    case 2:
    case 3:
        return write_number(t, what >> 3);
    case 4:
        return deep ? write_word(t, 0) : write_array(t, depth);
    case 5:
        return deep ? write_word(t, 0) : write_object(t, depth);
    default:
        return write_string(t);
    }
}

/* As json_equal, but a whole real is read back as an integer. */
static bool same(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;
    if (json_is_number(a) && json_is_number(b) && (json_is_real(a) || json_is_real(b)))
        return json_number_value(a) == json_number_value(b);
    if (json_is_array(a) && json_is_array(b)) {
        bool equal = json_array_size(a) == json_array_size(b);
        for (size_t i = 0; equal && i < json_array_size(a); i++)
            equal = same(json_array_get(a, i), json_array_get(b, i));
        return equal;
    }
    if (!json_is_object(a) || !json_is_object(b))
        return json_equal(a, b);
    bool equal = json_object_size(a) == json_object_size(b);
    json_object_foreach((json_t *)(uintptr_t)a, key, value) equal =
        equal && json_object_get(b, key) && same(value, json_object_get(b, key));
    return equal;
}

void fuzz_one(struct str in, struct arena *a)
{
    (void)a;
    struct buf out = BUF_INIT;
    struct twin t = {.j = json_to(&out), .program = in};
    json_t *want = write_value(&t, 0);
    FUZZ_CHECK(buf_ok(&out) && oracle_utf8_valid(buf_str(&out)));
    for (size_t i = 0; i < out.n; i++)
        FUZZ_CHECK((unsigned char)out.p[i] >= 0x20); /* an event has one line */
    json_t *got =
        json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    FUZZ_CHECK(got && same(want, got));
    json_decref(want);
    json_decref(got);
    buf_free(&out);
}
