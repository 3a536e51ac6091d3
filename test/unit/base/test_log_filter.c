/* base/log_filter.c */
#include <stdio.h>

#include "base/log_filter.h"
#include "test/unit/base/unit.h"

static struct log_filter parse(const char *text)
{
    struct log_filter f;
    struct err e = ERR_INIT;
    if (log_filter_parse(str_from(text), &f, &e))
        fail_msg("\"%s\": %s", text, e.text);
    return f;
}

static void levels_of_modules(void **state)
{
    (void)state;
    static const struct {
        const char *filter, *module;
        enum log_level level;
    } cases[] = {
        {"", "http", LOG_INFO},
        {",, ,", "http", LOG_INFO},
        {"warn", "http", LOG_WARN},
        {"WARN", "http", LOG_WARN},
        {"off", "http", LOG_OFF},
        {"warn,error", "http", LOG_ERROR},
        {"info,multi_tenant_app=debug", "http", LOG_INFO},
        {"info,multi_tenant_app=debug", "multi_tenant_app", LOG_DEBUG},
        {" http = Trace , error ", "http", LOG_TRACE},
        {" http = Trace , error ", "engine", LOG_ERROR},
        {"http=debug", "engine", LOG_INFO},
        {"http", "http", LOG_TRACE},
        {"http", "engine", LOG_INFO},
        {"engine=warn,engine.writer=debug", "engine.writer", LOG_DEBUG},
        {"engine.writer=debug,engine=warn", "engine.writer", LOG_DEBUG},
        {"engine.writer=debug,engine=warn", "engine.pool", LOG_WARN},
        {"engine=warn", "engin", LOG_INFO},
        {"http=warn,http=debug", "http", LOG_DEBUG},
        {"debug,http=off", "http", LOG_OFF},
        {"tower_http::trace=debug", "tower_http::trace", LOG_DEBUG},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct log_filter f = parse(cases[i].filter);
        enum log_level level = log_filter_level(&f, str_from(cases[i].module));
        if (level != cases[i].level)
            fail_msg("\"%s\", %s: %d", cases[i].filter, cases[i].module, (int)level);
        assert_true(f.highest >= level);
    }
}

static void the_highest_level_is_known(void **state)
{
    (void)state;
    assert_int_equal(parse("warn").highest, LOG_WARN);
    assert_int_equal(parse("warn,http=debug,x=off").highest, LOG_DEBUG);
    assert_int_equal(parse("off,http=error").highest, LOG_ERROR);
}

static void a_bad_part_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *filter, *named;
    } cases[] = {
        {"info,http=loud", "\"http=loud\""},
        {"http=", "\"http=\""},
        {"=debug", "\"\""},
        {"info/regex", "\"info/regex\""},
        {"a b", "\"a b\""},
        {"http=debug=info", "\"http="},
        {"http[span]=debug", "\"http[span]\""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct log_filter f = {.level = LOG_TRACE};
        struct err e = ERR_INIT;
        assert_int_equal(log_filter_parse(str_from(cases[i].filter), &f, &e), ERR_USAGE);
        if (!strstr(e.text, cases[i].named))
            fail_msg("\"%s\" does not name %s", e.text, cases[i].named);
        assert_int_equal(f.level, LOG_TRACE);
    }
}

static void a_name_may_be_63_bytes(void **state)
{
    (void)state;
    struct log_filter f;
    struct err e = ERR_INIT;
    char name[65];
    memset(name, 'm', sizeof name);
    assert_int_equal(log_filter_parse(str_make(name, 63), &f, &e), OK);
    assert_int_equal(log_filter_level(&f, str_make(name, 64)), LOG_TRACE);
    assert_int_equal(log_filter_parse(str_make(name, 64), &f, &e), ERR_USAGE);
}

static void there_may_be_32_modules(void **state)
{
    (void)state;
    char text[1000];
    size_t n = 0;
    for (int i = 0; i < LOG_FILTER_MODULES; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "module%02d=warn,", i);
    struct log_filter f = parse(text);
    assert_int_equal(f.n_modules, LOG_FILTER_MODULES);
    assert_int_equal(log_filter_level(&f, STR("module31")), LOG_WARN);
    snprintf(text + n, sizeof text - n, "module00=error");
    f = parse(text);
    assert_int_equal(log_filter_level(&f, STR("module00")), LOG_ERROR);
    snprintf(text + n, sizeof text - n, "another=error");
    struct err e = ERR_INIT;
    assert_int_equal(log_filter_parse(str_from(text), &f, &e), ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_of_modules),       cmocka_unit_test(the_highest_level_is_known),
        cmocka_unit_test(a_bad_part_is_named),     cmocka_unit_test(a_name_may_be_63_bytes),
        cmocka_unit_test(there_may_be_32_modules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
