/*
 * Reading settings: a value's text goes through one parser a kind, each of
 * which says what it would have taken. Nothing is written where a value is
 * bad. Printing is in settings_print.c.
 */
#include "base/settings.h"

#include <assert.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/settings_units.h"

const struct setting_unit setting_duration_units[] = {
    {STR_INIT("ms"), 1}, {STR_INIT("s"), 1000}, {STR_INIT("m"), 60000}, {STR_INIT("h"), 3600000}};

const struct setting_unit setting_size_units[] = {{STR_INIT(""), 1},
                                                  {STR_INIT("KiB"), 1024},
                                                  {STR_INIT("MiB"), 1024 * 1024},
                                                  {STR_INIT("GiB"), 1024 * 1024 * 1024}};

static bool parse_int(struct str text, int64_t *ret)
{
    bool negative = str_starts(text, STR("-"));
    uint64_t v;
    if (!str_to_u64(str_sub(text, negative, text.n), INT64_MAX, &v))
        return false;
    *ret = negative ? -(int64_t)v : (int64_t)v;
    return true;
}

/* A whole number and a unit; without a unit it counts `bare`. */
static bool parse_with_unit(struct str text, const struct setting_unit units[SETTING_UNITS],
                            int64_t bare, int64_t *ret)
{
    size_t digits = 0;
    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    struct str unit = str_sub(text, digits, text.n);
    int64_t factor = unit.n == 0 ? bare : 0;
    for (size_t i = 0; i < SETTING_UNITS && !factor; i++) {
        if (str_eq(unit, units[i].name))
            factor = units[i].factor;
    }
    uint64_t v;
    return factor && str_to_u64(str_sub(text, 0, digits), INT64_MAX, &v) &&
           !__builtin_mul_overflow((int64_t)v, factor, ret);
}

static bool parse_bool(struct str text, bool *ret)
{
    static const struct str words[] = {STR_INIT("true"), STR_INIT("1"),     STR_INIT("yes"),
                                       STR_INIT("on"),   STR_INIT("false"), STR_INIT("0"),
                                       STR_INIT("no"),   STR_INIT("off")};
    for (size_t i = 0; i < 8; i++) {
        if (str_eq_nocase(text, words[i])) {
            *ret = i < 4;
            return true;
        }
    }
    return false;
}

static bool set_int64(const struct setting *s, int64_t v)
{
    if (v < s->min || v > s->max)
        return false;
    *(int64_t *)s->value = v;
    return true;
}

static bool set_choice(const struct setting *s, struct str text)
{
    for (int i = 0; s->choices[i]; i++) {
        if (str_eq_nocase(text, str_from(s->choices[i]))) {
            *(int *)s->value = i;
            return true;
        }
    }
    return false;
}

/* False where the text is bad, with nothing changed. Strings are apart, as
 * only they need memory. */
static bool set_plain(const struct setting *s, struct str text)
{
    int64_t v;
    switch (s->kind) {
    case SETTING_INT:
        return parse_int(text, &v) && set_int64(s, v);
    case SETTING_DURATION:
        return parse_with_unit(text, setting_duration_units, 1000, &v) && set_int64(s, v);
    case SETTING_SIZE:
        return parse_with_unit(text, setting_size_units, 1, &v) && set_int64(s, v);
    case SETTING_BOOL:
        return parse_bool(text, s->value);
    case SETTING_CHOICE:
        return set_choice(s, text);
    case SETTING_STRING:
        break;
    }
    return false;
}

/* "a whole number from 0 to 65535" */
static void add_allowed(const struct setting *s, struct buf *out)
{
    switch (s->kind) {
    case SETTING_INT:
        buf_printf(out, "a whole number from %lld to %lld", (long long)s->min, (long long)s->max);
        break;
    case SETTING_DURATION:
    case SETTING_SIZE:
        buf_add(out, s->kind == SETTING_SIZE ? STR("a size from ") : STR("a duration from "));
        setting_quantity_add(s->kind, s->min, out);
        buf_lit(out, " to ");
        setting_quantity_add(s->kind, s->max, out);
        buf_add(out, s->kind == SETTING_SIZE ? STR(" (like 65536, 64KiB, 8MiB or 1GiB)")
                                             : STR(" (like 500ms, 10s, 5m or 1h)"));
        break;
    case SETTING_BOOL:
        buf_lit(out, "true or false");
        break;
    case SETTING_CHOICE:
        setting_choices_add(s, " or ", out);
        break;
    case SETTING_STRING:
        buf_lit(out, "text without NUL bytes");
        break;
    }
}

/* `PORT: "abc" is not a whole number from 0 to 65535` */
static int bad_value(const struct setting *s, struct str name, struct str text, struct err *e)
{
    char bytes[160];
    struct buf allowed = BUF_FIXED(bytes);
    add_allowed(s, &allowed);
    if (s->secret)
        return err_set(e, ERR_USAGE, "%.*s: the value is not %.*s", STR_ARG(name),
                       STR_ARG(buf_str(&allowed)));
    bool cut = text.n > 60;
    return err_set(e, ERR_USAGE, "%.*s: \"%.*s%s\" is not %.*s", STR_ARG(name),
                   STR_ARG(str_sub(text, 0, cut ? 57 : 60)), cut ? "..." : "",
                   STR_ARG(buf_str(&allowed)));
}

static int set_string(const struct setting *s, struct str text, struct err *e)
{
    char *copy = fault_malloc(text.n + 1);
    if (!copy)
        return err_set(e, ERR_NOMEM, "%s: memory is out", s->name);
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    free(*(char **)s->value);
    *(char **)s->value = copy;
    return OK;
}

static int set_value(struct setting *s, struct str name, struct str text, const char *source,
                     struct err *e)
{
    if (s->kind == SETTING_STRING) {
        if (str_index(text, '\0') < text.n)
            return bad_value(s, name, text, e);
        int rc = set_string(s, text, e);
        if (rc)
            return rc;
    } else if (!set_plain(s, text)) {
        return bad_value(s, name, text, e);
    }
    s->source = source;
    return OK;
}

static int load_one(struct setting *s, struct err *e)
{
    const char *text = getenv(s->name);
    if (text && *text)
        return set_value(s, str_from(s->name), str_from(text), "environment", e);
    if (s->standard)
        return set_value(s, str_from(s->name), str_from(s->standard), "default", e);
    assert(s->kind == SETTING_STRING);
    free(TAKE(*(char **)s->value));
    s->source = "default";
    return OK;
}

int settings_load(struct setting *table, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        int rc = load_one(&table[i], e);
        if (rc)
            return rc;
    }
    return OK;
}

/* "database-path" names DATABASE_PATH. */
static bool is_option_of(struct str option, const char *name)
{
    if (option.n != strlen(name))
        return false;
    for (size_t i = 0; i < option.n; i++) {
        if (option.p[i] != setting_option_char(name[i]))
            return false;
    }
    return true;
}

static struct str option_name(struct str option)
{
    return str_starts(option, STR("--")) ? str_sub(option, 2, option.n) : option;
}

static struct setting *find_option(struct setting *table, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++) {
        if (is_option_of(name, table[i].name))
            return &table[i];
    }
    return NULL;
}

bool settings_has(struct setting *table, size_t n, struct str option)
{
    return find_option(table, n, option_name(option)) != NULL;
}

int settings_option(struct setting *table, size_t n, struct str option, struct str value,
                    struct err *e)
{
    struct str name = option_name(option);
    struct setting *s = find_option(table, n, name);
    if (!s)
        return err_set(e, ERR_USAGE, "--%.*s: there is no such option",
                       STR_ARG(str_sub(name, 0, 80)));
    char bytes[80];
    struct buf shown = BUF_FIXED(bytes);
    buf_lit(&shown, "--");
    buf_add(&shown, name);
    return set_value(s, buf_str(&shown), value, "option", e);
}

void settings_free(struct setting *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (table[i].kind == SETTING_STRING)
            free(TAKE(*(char **)table[i].value));
    }
}
