/*
 * Printing settings: values, --help, the manual page, JSON. A secret's value
 * is never printed, only whether there is one.
 */
#include "base/json.h"
#include "base/settings_units.h"

void setting_quantity_add(enum setting_kind kind, int64_t v, struct buf *out)
{
    const struct setting_unit *units =
        kind == SETTING_SIZE ? setting_size_units : setting_duration_units;
    size_t i = SETTING_UNITS - 1;
    while (i > 0 && (v == 0 || v % units[i].factor != 0))
        i--;
    buf_i64(out, v / units[i].factor);
    buf_add(out, units[i].name);
}

void setting_choices_add(const struct setting *s, const char *between, struct buf *out)
{
    for (size_t i = 0; s->choices[i]; i++) {
        buf_add(out, str_from(i ? between : ""));
        buf_add(out, str_from(s->choices[i]));
    }
}

static const char *string_value(const struct setting *s)
{
    return *(char *const *)s->value;
}

static bool is_set(const struct setting *s)
{
    return s->kind != SETTING_STRING || string_value(s);
}

void setting_print(const struct setting *s, struct buf *out)
{
    if (s->secret) {
        buf_add(out, is_set(s) ? STR("set") : STR("not set"));
        return;
    }
    switch (s->kind) {
    case SETTING_STRING:
        buf_add(out, str_from(string_value(s) ? string_value(s) : ""));
        break;
    case SETTING_INT:
        buf_i64(out, *(const int64_t *)s->value);
        break;
    case SETTING_BOOL:
        buf_add(out, *(const bool *)s->value ? STR("true") : STR("false"));
        break;
    case SETTING_DURATION:
    case SETTING_SIZE:
        setting_quantity_add(s->kind, *(const int64_t *)s->value, out);
        break;
    case SETTING_CHOICE:
        buf_add(out, str_from(s->choices[*(const int *)s->value]));
        break;
    }
}

static void add_option_name(const struct setting *s, struct buf *out)
{
    for (const char *p = s->name; *p; p++)
        buf_char(out, setting_option_char(*p));
}

/* What stands for the value in a usage: N, DURATION, text|json. */
static void add_placeholder(const struct setting *s, struct buf *out)
{
    static const char *const names[] = {[SETTING_STRING] = "TEXT",
                                        [SETTING_INT] = "N",
                                        [SETTING_BOOL] = "BOOL",
                                        [SETTING_DURATION] = "DURATION",
                                        [SETTING_SIZE] = "SIZE"};
    if (s->kind == SETTING_CHOICE)
        setting_choices_add(s, "|", out);
    else
        buf_add(out, str_from(names[s->kind]));
}

static void add_default(const struct setting *s, struct buf *out)
{
    if (!s->standard)
        buf_lit(out, "not set");
    else if (!*s->standard)
        buf_lit(out, "empty");
    else
        buf_add(out, str_from(s->standard));
}

enum { HELP_WIDTH = 79, HELP_INDENT = 8 };

/* Appends text in lines of at most HELP_WIDTH columns behind an indent. */
static void add_wrapped(struct str text, struct buf *out)
{
    size_t column = 0;
    struct str rest = text;
    while (rest.p) {
        struct str word = str_cut(&rest, ' ');
        size_t width = utf8_length(word);
        if (width == 0)
            continue;
        if (column && column + 1 + width > HELP_WIDTH) {
            buf_char(out, '\n');
            column = 0;
        }
        if (column == 0)
            buf_printf(out, "%*s", HELP_INDENT, "");
        else
            buf_char(out, ' ');
        column = (column ? column + 1 : HELP_INDENT) + width;
        buf_add(out, word);
    }
    buf_char(out, '\n');
}

static void add_option(const struct setting *s, struct buf *out)
{
    buf_lit(out, "  --");
    add_option_name(s, out);
    buf_char(out, ' ');
    add_placeholder(s, out);
}

/* Where the columns behind the options begin. */
struct columns {
    size_t names, defaults;
};

static struct columns measure(const struct setting *table, size_t n)
{
    struct columns c = {0};
    size_t widest_name = 0;
    for (size_t i = 0; i < n; i++) {
        char bytes[HELP_WIDTH];
        struct buf option = BUF_FIXED(bytes);
        add_option(&table[i], &option);
        size_t name = strlen(table[i].name);
        c.names = option.n + 2 > c.names ? option.n + 2 : c.names;
        widest_name = name > widest_name ? name : widest_name;
    }
    c.defaults = c.names + widest_name + 2;
    return c;
}

/* Appends text at a column of the line that begins at *line; where it is too
 * long for that, closer to the left or on a line of its own. */
static void add_cell(struct buf *out, size_t *line, size_t column, struct str text)
{
    if (column + text.n > HELP_WIDTH)
        column = 0;
    size_t at = out->n - *line;
    if (column < at + 2)
        column = at + 2;
    if (column + text.n > HELP_WIDTH) {
        buf_char(out, '\n');
        *line = out->n;
        at = 0;
        column = HELP_INDENT;
    }
    buf_printf(out, "%*s", (int)(column - at), "");
    buf_add(out, text);
}

/* True where s begins another group than the setting before it. */
static bool begins_group(const struct setting *table, size_t i)
{
    return i == 0 || strcmp(table[i].group, table[i - 1].group) != 0;
}

static void help_one(const struct setting *s, struct columns columns, struct buf *out)
{
    size_t line = out->n;
    add_option(s, out);
    add_cell(out, &line, columns.names, str_from(s->name));

    char bytes[256];
    struct buf standard = BUF_FIXED(bytes);
    buf_lit(&standard, "default: ");
    add_default(s, &standard);
    add_cell(out, &line, columns.defaults, buf_str(&standard));
    buf_char(out, '\n');
    add_wrapped(str_from(s->help), out);
}

void settings_help(const struct setting *table, size_t n, struct buf *out)
{
    struct columns columns = measure(table, n);
    for (size_t i = 0; i < n; i++) {
        if (begins_group(table, i))
            buf_printf(out, "%s%s\n", i ? "\n" : "", table[i].group);
        help_one(&table[i], columns, out);
    }
}

/* A full stop before a space, unless a small letter follows: "e.g. this". */
static bool ends_sentence(struct str text, size_t i)
{
    bool small_follows = i + 1 < text.n && text.p[i + 1] >= 'a' && text.p[i + 1] <= 'z';
    return text.p[i] == ' ' && i > 0 && text.p[i - 1] == '.' && !small_follows;
}

/* Text for mdoc: a backslash is escaped, a line never begins with a request,
 * and a sentence ends its line. */
static void add_mdoc_text(struct str text, struct buf *out)
{
    bool line_start = true;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (line_start && (c == '.' || c == '\''))
            buf_lit(out, "\\&");
        bool ends = ends_sentence(text, i);
        line_start = ends;
        if (c == '\\')
            buf_lit(out, "\\e");
        else
            buf_char(out, ends ? '\n' : c);
    }
    buf_char(out, '\n');
}

static void mdoc_one(const struct setting *s, struct buf *out)
{
    buf_lit(out, ".It Fl -");
    add_option_name(s, out);
    buf_lit(out, " Ar ");
    add_placeholder(s, out);
    buf_lit(out, " , Ev ");
    buf_add(out, str_from(s->name));
    buf_char(out, '\n');
    add_mdoc_text(str_from(s->help), out);
    buf_lit(out, "Default: ");
    char bytes[256];
    struct buf standard = BUF_FIXED(bytes);
    add_default(s, &standard);
    add_mdoc_text(buf_str(&standard), out);
}

void settings_mdoc(const struct setting *table, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        if (begins_group(table, i))
            buf_printf(out, "%s.Ss %s\n.Bl -tag -width Ds\n", i ? ".El\n" : "", table[i].group);
        mdoc_one(&table[i], out);
    }
    if (n)
        buf_lit(out, ".El\n");
}

/* A number or a truth is one in JSON too; all else is as it is written. */
static void json_value(const struct setting *s, struct json *j)
{
    if (s->secret)
        json_raw(j, is_set(s) ? STR("\"set\"") : STR("null"));
    else if (s->kind == SETTING_INT)
        json_i64(j, *(const int64_t *)s->value);
    else if (s->kind == SETTING_BOOL)
        json_bool(j, *(const bool *)s->value);
    else if (!is_set(s))
        json_none(j);
    else {
        struct buf text CLEANUP(buf_free) = BUF_INIT;
        setting_print(s, &text);
        json_str(j, buf_str(&text));
        j->b->failed |= !buf_ok(&text);
    }
}

static void json_text(struct json *j, const char *text)
{
    json_optstr(j, text ? optstr_some(str_from(text)) : optstr_none());
}

void settings_json(const struct setting *table, size_t n, struct buf *out)
{
    struct json j = json_to(out);
    json_array_begin(&j);
    for (size_t i = 0; i < n; i++) {
        const struct setting *s = &table[i];
        json_object_begin(&j);
        json_key(&j, "name");
        json_text(&j, s->name);
        json_key(&j, "value");
        json_value(s, &j);
        json_key(&j, "source");
        json_text(&j, s->source);
        json_key(&j, "default");
        json_text(&j, s->standard);
        json_key(&j, "group");
        json_text(&j, s->group);
        json_key(&j, "help");
        json_text(&j, s->help);
        json_object_end(&j);
    }
    json_array_end(&j);
}
