/* base/settings.c and base/settings_print.c */
#include <jansson.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/settings.h"
#include "test/unit/base/unit.h"

static struct {
    char *path, *token;
    int64_t port, timeout_ms, body_bytes, depth;
    bool create;
    int format;
} config;

static const char *const formats[] = {"text", "json", NULL};

static const struct setting pristine[] = {
    {.name = "DATABASE_PATH",
     .kind = SETTING_STRING,
     .value = &config.path,
     .standard = "./data",
     .group = "Storage",
     .help = "The folder with one database a tenant. It is made where it is missing, with all "
             "that is above it, and must be on a local disk."},
    {.name = "PORT",
     .kind = SETTING_INT,
     .value = &config.port,
     .standard = "8080",
     .max = 65535,
     .group = "Network",
     .help = "The port. 0 takes a free one."},
    {.name = "HANDLER_TIMEOUT",
     .kind = SETTING_DURATION,
     .value = &config.timeout_ms,
     .standard = "30s",
     .min = 1,
     .max = 3600000,
     .group = "Network",
     .help = "How long one request may take."},
    {.name = "BODY_LIMIT",
     .kind = SETTING_SIZE,
     .value = &config.body_bytes,
     .standard = "1MiB",
     .min = 1024,
     .max = 1 << 30,
     .group = "Network",
     .help = "The largest body."},
    {.name = "DEPTH",
     .kind = SETTING_INT,
     .value = &config.depth,
     .standard = "-3",
     .min = -10,
     .max = 10,
     .group = "Other",
     .help = "A number below zero."},
    {.name = "TENANT_CREATE",
     .kind = SETTING_BOOL,
     .value = &config.create,
     .standard = "true",
     .group = "Other",
     .help = "A truth."},
    {.name = "LOG_FORMAT",
     .kind = SETTING_CHOICE,
     .value = &config.format,
     .standard = "text",
     .choices = formats,
     .group = "Other",
     .help = ".Begins with a dot, e.g. has a \\ in it. Then goes on."},
    {.name = "ADMIN_TOKEN",
     .kind = SETTING_STRING,
     .value = &config.token,
     .group = "Other",
     .secret = true,
     .help = "A secret."},
};

enum { N = sizeof pristine / sizeof *pristine };

static struct setting table[N];

static int begin(void **state)
{
    (void)state;
    memcpy(table, pristine, sizeof table);
    for (size_t i = 0; i < N; i++)
        unsetenv(table[i].name);
    return 0;
}

static int end(void **state)
{
    (void)state;
    settings_free(table, N);
    return 0;
}

static void load(void)
{
    struct err e = ERR_INIT;
    if (settings_load(table, N, &e))
        fail_msg("%s", e.text);
}

static int option(const char *name, const char *value, struct err *e)
{
    return settings_option(table, N, str_from(name), str_from(value), e);
}

static void defaults_are_loaded(void **state)
{
    (void)state;
    load();
    assert_string_equal(config.path, "./data");
    assert_null(config.token);
    assert_int_equal(config.port, 8080);
    assert_int_equal(config.timeout_ms, 30000);
    assert_int_equal(config.body_bytes, 1 << 20);
    assert_int_equal(config.depth, -3);
    assert_true(config.create);
    assert_int_equal(config.format, 0);
    for (size_t i = 0; i < N; i++)
        assert_string_equal(table[i].source, "default");
}

static void options_beat_the_environment(void **state)
{
    (void)state;
    setenv("PORT", "1", 1);
    setenv("LOG_FORMAT", "JSON", 1);
    setenv("DATABASE_PATH", "", 1);
    load();
    assert_int_equal(config.port, 1);
    assert_string_equal(table[1].source, "environment");
    assert_int_equal(config.format, 1);
    assert_string_equal(config.path, "./data");
    assert_string_equal(table[0].source, "default");
    struct err e = ERR_INIT;
    assert_int_equal(option("--port", "2", &e), OK);
    assert_int_equal(option("database-path", "", &e), OK);
    assert_int_equal(config.port, 2);
    assert_string_equal(config.path, "");
    assert_string_equal(table[1].source, "option");
}

static void loading_twice_leaks_nothing(void **state)
{
    (void)state;
    setenv("ADMIN_TOKEN", "hush", 1);
    load();
    assert_string_equal(config.token, "hush");
    unsetenv("ADMIN_TOKEN");
    load();
    assert_null(config.token);
}

struct value_case {
    const char *option, *text;
    int64_t expected;
};

static void good_values(void **state)
{
    (void)state;
    static const struct value_case cases[] = {
        {"port", "0", 0},
        {"port", "65535", 65535},
        {"depth", "-10", -10},
        {"depth", "0", 0},
        {"handler-timeout", "500ms", 500},
        {"handler-timeout", "10s", 10000},
        {"handler-timeout", "10", 10000},
        {"handler-timeout", "5m", 300000},
        {"handler-timeout", "1h", 3600000},
        {"body-limit", "1024", 1024},
        {"body-limit", "64KiB", 65536},
        {"body-limit", "8MiB", 8 << 20},
        {"body-limit", "1GiB", 1 << 30},
    };
    load();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err e = ERR_INIT;
        if (option(cases[i].option, cases[i].text, &e))
            fail_msg("%s", e.text);
        for (size_t k = 0; k < N; k++) {
            if (table[k].source[0] == 'o')
                assert_int_equal(*(int64_t *)table[k].value, cases[i].expected);
            table[k].source = "-";
        }
    }
}

static void truths(void **state)
{
    (void)state;
    static const char *const words[] = {"true", "1", "yes", "ON", "false", "0", "no", "Off"};
    load();
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        assert_int_equal(option("tenant-create", words[i], NULL), OK);
        assert_int_equal(config.create, i < 4);
    }
}

static void a_bad_value_gives_one_clear_line(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *message;
    } cases[] = {
        {"PORT", "abc", "PORT: \"abc\" is not a whole number from 0 to 65535"},
        {"PORT", "65536", "PORT: \"65536\" is not a whole number from 0 to 65535"},
        {"PORT", "-1", "PORT: \"-1\" is not a whole number from 0 to 65535"},
        {"PORT", "1\n2", "PORT: \"1?2\" is not a whole number from 0 to 65535"},
        {"HANDLER_TIMEOUT", "10x",
         "HANDLER_TIMEOUT: \"10x\" is not a duration from 1ms to 1h (like 500ms, 10s, 5m or 1h)"},
        {"BODY_LIMIT", "64kb",
         "BODY_LIMIT: \"64kb\" is not a size from 1KiB to 1GiB (like 65536, 64KiB, 8MiB or 1GiB)"},
        {"TENANT_CREATE", "maybe", "TENANT_CREATE: \"maybe\" is not true or false"},
        {"LOG_FORMAT", "xml", "LOG_FORMAT: \"xml\" is not text or json"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err e = ERR_INIT;
        setenv(cases[i].name, cases[i].text, 1);
        assert_int_equal(settings_load(table, N, &e), ERR_USAGE);
        assert_string_equal(e.text, cases[i].message);
        unsetenv(cases[i].name);
    }
}

static void bad_values_change_nothing(void **state)
{
    (void)state;
    static const struct value_case cases[] = {
        {"port", "", 0},
        {"port", " 1", 0},
        {"port", "1 ", 0},
        {"port", "+1", 0},
        {"port", "0x10", 0},
        {"port", "1.5", 0},
        {"port", "99999999999999999999999", 0},
        {"port", "--1", 0},
        {"depth", "-", 0},
        {"depth", "-11", 0},
        {"depth", "11", 0},
        {"depth", "-9223372036854775809", 0},
        {"handler-timeout", "0", 0},
        {"handler-timeout", "61m", 0},
        {"handler-timeout", "s", 0},
        {"handler-timeout", "1 s", 0},
        {"handler-timeout", "-1s", 0},
        {"handler-timeout", "2562047788015216h", 0},
        {"handler-timeout", "9223372036854775807", 0},
        {"body-limit", "1023", 0},
        {"body-limit", "9007199254740992GiB", 0},
        {"body-limit", "KiB", 0},
        {"tenant-create", "2", 0},
        {"tenant-create", "", 0},
        {"log-format", "", 0},
        {"log-format", "tex", 0},
    };
    load();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err e = ERR_INIT;
        if (option(cases[i].option, cases[i].text, &e) != ERR_USAGE)
            fail_msg("%s: \"%s\" was taken", cases[i].option, cases[i].text);
        assert_true(str_starts(str_from(e.text), STR("--")));
    }
    defaults_are_loaded(state);
}

static void an_unknown_option_is_named(void **state)
{
    (void)state;
    static const char *const names[] = {"--prot", "--PORT", "--port-", "--", "", "--admin_token"};
    load();
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_false(settings_has(table, N, str_from(names[i])));
        assert_int_equal(option(names[i], "1", NULL), ERR_USAGE);
    }
    assert_true(settings_has(table, N, STR("--port")));
    assert_true(settings_has(table, N, STR("port")));
    struct err e = ERR_INIT;
    option("--prot", "1", &e);
    assert_string_equal(e.text, "--prot: there is no such option");
}

static void strings_hold_no_nul(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    load();
    int rc = settings_option(table, N, STR("database-path"), STR("a\0b"), &e);
    assert_int_equal(rc, ERR_USAGE);
    assert_string_equal(config.path, "./data");
}

/* Not even a value that is refused. */
static void a_secret_is_never_shown(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    struct err e = ERR_INIT;
    load();
    setting_print(&table[N - 1], &b);
    assert_lit(buf_str(&b), "not set");
    assert_int_equal(option("admin-token", "hush", &e), OK);
    buf_reset(&b);
    for (size_t i = 0; i < N; i++)
        setting_print(&table[i], &b);
    settings_json(table, N, &b);
    settings_help(table, N, &b);
    settings_mdoc(table, N, &b);
    assert_null(strstr(buf_cstr(&b), "hush"));
    buf_reset(&b);
    table[1].secret = true;
    assert_int_equal(option("port", "4321", &e), OK);
    setting_print(&table[1], &b);
    settings_json(table, N, &b);
    assert_null(strstr(buf_cstr(&b), "4321"));
    buf_free(&b);
    settings_option(table, N, STR("admin-token"), STR("hush\0hush"), &e);
    assert_null(strstr(e.text, "hush"));
}

static void long_values_and_limits_fit_the_line(void **state)
{
    (void)state;
    char text[3000];
    memset(text, '9', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct err e = ERR_INIT;
    load();
    for (size_t i = 1; i < N - 1; i++) {
        setenv(table[i].name, text, 1);
        assert_int_equal(settings_load(table, N, &e), ERR_USAGE);
        assert_true(strlen(e.text) < 200);
        assert_non_null(strstr(e.text, "999...\" is not "));
        unsetenv(table[i].name);
    }
}

static void values_print_as_they_are_read(void **state)
{
    (void)state;
    static const char *const texts[] = {"/x y", "1", "90s", "1536KiB", "7", "false", "json"};
    load();
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        setenv(table[i].name, texts[i], 1);
        load();
        struct buf b = BUF_INIT;
        setting_print(&table[i], &b);
        assert_str(buf_str(&b), str_from(texts[i]));
        buf_free(&b);
        unsetenv(table[i].name);
    }
}

/* The column where `what` begins in the line, which must have it. */
static size_t column_of(struct str line, const char *what)
{
    const char *at = memmem(line.p, line.n, what, strlen(what));
    if (!at)
        fail_msg("no \"%s\" in \"%.*s\"", what, STR_ARG(line));
    return (size_t)(at - line.p);
}

static void help_is_aligned(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    settings_help(table, N, &b);
    const char *text = buf_cstr(&b);
    assert_true(str_starts(buf_str(&b), STR("Storage\n  --database-path TEXT ")));
    assert_non_null(strstr(text, "\n\nNetwork\n  --port N "));
    assert_non_null(strstr(text, " default: 8080\n        The port. 0 takes a free one.\n"));
    assert_non_null(strstr(text, "--log-format text|json"));
    assert_null(strstr(strstr(text, "Network\n") + 1, "Network\n"));
    struct str rest = buf_str(&b);
    size_t i = 0, names_at = 0, defaults_at = 0;
    while (rest.n) {
        struct str line = str_cut(&rest, '\n');
        assert_in_range(line.n, 0, 79);
        assert_false(str_ends(line, STR(" ")));
        if (!str_starts(line, STR("  --")))
            continue;
        names_at = i ? names_at : column_of(line, table[i].name);
        defaults_at = i ? defaults_at : column_of(line, "default: ");
        assert_int_equal(column_of(line, table[i++].name), names_at);
        assert_int_equal(column_of(line, "default: "), defaults_at);
    }
    assert_int_equal(i, N);
    buf_free(&b);
}

/* Names and defaults of any length: nothing but a single word is over 79. */
static void help_of_long_names_is_wrapped(void **state)
{
    (void)state;
    static const char letters[] = "NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN";
    for (size_t name = 1; name <= 50; name++) {
        for (size_t standard = 1; standard <= 50; standard += 7) {
            struct setting s = pristine[0];
            s.name = letters + sizeof letters - 1 - name;
            s.standard = letters + sizeof letters - 1 - standard;
            struct setting both[] = {s, pristine[1]};
            struct buf b = BUF_INIT;
            settings_help(both, 2, &b);
            struct str rest = buf_str(&b);
            while (rest.p)
                assert_in_range(str_cut(&rest, '\n').n, 0, 79);
            buf_free(&b);
        }
    }
}

static void the_manual_page_is_mdoc(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    settings_mdoc(table, N, &b);
    const char *text = buf_cstr(&b);
    assert_non_null(strstr(text, ".Ss Network\n.Bl -tag -width Ds\n.It Fl -port Ar N , Ev PORT\n"));
    assert_non_null(
        strstr(text, "\n\\&.Begins with a dot, e.g. has a \\e in it.\nThen goes on.\n"));
    size_t begins = 0, ends = 0;
    struct str rest = buf_str(&b);
    while (rest.p) {
        struct str line = str_cut(&rest, '\n');
        begins += str_starts(line, STR(".Bl "));
        ends += str_eq(line, STR(".El"));
        assert_false(str_ends(line, STR(" ")));
    }
    assert_int_equal(begins, 3);
    assert_int_equal(ends, 3);
    buf_free(&b);
}

static void json_has_every_setting(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    load();
    settings_json(table, N, &b);
    json_t *all = json_loadb(b.p, b.n, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_array_size(all), N);
    for (size_t i = 0; i < N; i++) {
        const json_t *one = json_array_get(all, i);
        assert_string_equal(json_string_value(json_object_get(one, "name")), table[i].name);
        assert_string_equal(json_string_value(json_object_get(one, "source")), "default");
    }
    assert_int_equal(json_integer_value(json_object_get(json_array_get(all, 1), "value")), 8080);
    assert_true(json_is_true(json_object_get(json_array_get(all, 5), "value")));
    assert_true(json_is_null(json_object_get(json_array_get(all, 7), "value")));
    json_decref(all);
    buf_free(&b);
}

static void a_sweep_of_failing_allocations(void **state)
{
    (void)state;
    setenv("ADMIN_TOKEN", "hush", 1);
    int64_t n = 0, fired;
    do {
        struct buf b = BUF_INIT;
        fault_arm(FAULT_ALLOC, ++n, false);
        int rc = settings_load(table, N, NULL);
        if (rc == OK)
            rc = settings_option(table, N, STR("database-path"), STR("/x"), NULL);
        if (rc == OK)
            settings_json(table, N, &b);
        fired = fault_fired(FAULT_ALLOC);
        fault_arm(FAULT_ALLOC, 0, false);
        assert_true(rc == OK || rc == ERR_NOMEM);
        assert_int_equal(fired > 0, rc == ERR_NOMEM || !buf_ok(&b));
        buf_free(&b);
        settings_free(table, N);
    } while (fired);
    assert_in_range(n, 6, 30);
    unsetenv("ADMIN_TOKEN");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(defaults_are_loaded),
        TEST(options_beat_the_environment),
        TEST(loading_twice_leaks_nothing),
        TEST(good_values),
        TEST(truths),
        TEST(a_bad_value_gives_one_clear_line),
        TEST(bad_values_change_nothing),
        TEST(an_unknown_option_is_named),
        TEST(strings_hold_no_nul),
        TEST(a_secret_is_never_shown),
        TEST(long_values_and_limits_fit_the_line),
        TEST(values_print_as_they_are_read),
        TEST(help_is_aligned),
        TEST(help_of_long_names_is_wrapped),
        TEST(the_manual_page_is_mdoc),
        TEST(json_has_every_setting),
        TEST(a_sweep_of_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
