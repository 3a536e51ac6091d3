/*
 * Settings: a value that is taken is within its bounds, prints as text that
 * reads back as the same value, and one that is refused changes nothing and
 * is named in one line.
 */
#include "base/settings.h"

#include <jansson.h>
#include <stdlib.h>

#include "fuzz.h"

struct values {
    char *text, *secret;
    int64_t count, wait, size;
    bool yes;
    int choice;
};

static const char *const choices[] = {"text", "json", NULL};

enum { N_SETTINGS = 7 };

static void make_table(struct values *v, struct setting table[N_SETTINGS])
{
    const struct setting all[N_SETTINGS] = {
        {.name = "FUZZ_TEXT", .kind = SETTING_STRING, .value = &v->text},
        {.name = "FUZZ_SECRET", .kind = SETTING_STRING, .value = &v->secret, .secret = true},
        {.name = "FUZZ_COUNT",
         .kind = SETTING_INT,
         .value = &v->count,
         .standard = "-1",
         .min = -1,
         .max = 65535},
        {.name = "FUZZ_WAIT",
         .kind = SETTING_DURATION,
         .value = &v->wait,
         .standard = "10s",
         .min = 1,
         .max = 86400000},
        {.name = "FUZZ_SIZE",
         .kind = SETTING_SIZE,
         .value = &v->size,
         .standard = "8MiB",
         .max = INT64_MAX},
        {.name = "FUZZ_YES", .kind = SETTING_BOOL, .value = &v->yes, .standard = "true"},
        {.name = "FUZZ_CHOICE",
         .kind = SETTING_CHOICE,
         .value = &v->choice,
         .standard = "text",
         .choices = choices},
    };
    memcpy(table, all, sizeof all);
    for (int i = 0; i < N_SETTINGS; i++) {
        table[i].group = "Fuzz";
        table[i].help = "One of the settings of a fuzz target.";
    }
}

static bool same_values(const struct values *a, const struct values *b)
{
    return a->count == b->count && a->wait == b->wait && a->size == b->size && a->yes == b->yes &&
           a->choice == b->choice && a->text == b->text && a->secret == b->secret;
}

static void check_bounds(const struct values *v)
{
    FUZZ_CHECK(v->count >= -1 && v->count <= 65535);
    FUZZ_CHECK(v->wait >= 1 && v->wait <= 86400000);
    FUZZ_CHECK(v->size >= 0);
    FUZZ_CHECK(v->choice == 0 || v->choice == 1);
}

static void check_refusal(int rc, const struct err *e)
{
    FUZZ_CHECK(rc == ERR_USAGE && e->code == ERR_USAGE);
    FUZZ_CHECK(e->text[0] && fuzz_is_one_line(str_from(e->text)));
}

/* What is printed reads back as the same. */
static void check_print(struct setting *table, int i, struct values *v)
{
    struct buf first = BUF_INIT, second = BUF_INIT;
    setting_print(&table[i], &first);
    if (table[i].secret) {
        FUZZ_CHECK(str_eq(buf_str(&first), v->secret ? STR("set") : STR("not set")));
    } else {
        const struct values before = *v;
        FUZZ_CHECK(settings_option(table, N_SETTINGS, str_from("fuzz-text"), STR(""), NULL) == 0);
        v->count = 0;
        v->wait = v->size = 1;
        char option[32] = "--";
        for (size_t n = 0; table[i].name[n]; n++)
            option[n + 2] = table[i].name[n] == '_' ? '-' : (char)(table[i].name[n] | 0x20);
        FUZZ_CHECK(settings_option(table, N_SETTINGS, str_from(option), buf_str(&first), NULL) ==
                   0);
        setting_print(&table[i], &second);
        FUZZ_SAME(buf_str(&first), buf_str(&second));
        v->count = i == 2 ? v->count : before.count;
        v->wait = i == 3 ? v->wait : before.wait;
        v->size = i == 4 ? v->size : before.size;
        FUZZ_CHECK(v->count == before.count && v->wait == before.wait && v->size == before.size);
    }
    buf_free(&first);
    buf_free(&second);
}

static void check_json(const struct setting *table)
{
    struct buf out = BUF_INIT;
    settings_json(table, N_SETTINGS, &out);
    json_t *j = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES, NULL);
    FUZZ_CHECK(j != NULL);
    json_decref(j);
    buf_reset(&out);
    settings_help(table, N_SETTINGS, &out);
    settings_mdoc(table, N_SETTINGS, &out);
    FUZZ_CHECK(buf_ok(&out));
    buf_free(&out);
}

/* By an option, with any bytes. */
static void check_option(struct setting *table, int i, struct values *v, struct str name,
                         struct str value)
{
    struct err e = ERR_INIT;
    const struct values before = *v;
    const char *source = table[i].source;
    int rc = settings_option(table, N_SETTINGS, name, value, &e);
    check_bounds(v);
    if (rc == 0) {
        FUZZ_CHECK(settings_has(table, N_SETTINGS, name));
        check_print(table, i, v);
        check_json(table);
    } else {
        check_refusal(rc, &e);
        FUZZ_CHECK(same_values(v, &before) && table[i].source == source);
    }
}

/* By the environment. */
static void check_environment(const char *name, const char *value)
{
    struct values v = {0};
    struct setting table[N_SETTINGS];
    struct err e = ERR_INIT;
    make_table(&v, table);
    FUZZ_CHECK(setenv(name, value, 1) == 0);
    int rc = settings_load(table, N_SETTINGS, &e);
    if (rc == 0)
        check_bounds(&v);
    else
        check_refusal(rc, &e);
    settings_free(table, N_SETTINGS);
    FUZZ_CHECK(!v.text && !v.secret);
    unsetenv(name);
}

void fuzz_one(struct str in, struct arena *a)
{
    static const char *const options[N_SETTINGS] = {"--fuzz-text",  "--fuzz-secret", "fuzz-count",
                                                    "--fuzz-wait",  "--fuzz-size",   "--fuzz-yes",
                                                    "--fuzz-choice"};
    struct values v = {0};
    struct setting table[N_SETTINGS];
    struct err e = ERR_INIT;
    struct str rest = in;
    int i = fuzz_byte(&rest) % N_SETTINGS;
    struct str value = fuzz_own(rest);
    make_table(&v, table);
    FUZZ_CHECK(settings_load(table, N_SETTINGS, &e) == 0);
    check_option(table, i, &v, str_from(options[i]), value);
    if (settings_option(table, N_SETTINGS, value, STR("1"), &e) != 0)
        FUZZ_CHECK(fuzz_is_one_line(str_from(e.text)));
    check_environment(table[i].name, fuzz_cstr(a, value));
    settings_free(table, N_SETTINGS);
}
