/* base/clock.c */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "test/unit/base/unit.h"

static void the_monotonic_clock_goes_on(void **state)
{
    (void)state;
    int64_t last = clock_mono_ns();
    assert_true(last > 0);
    for (int i = 0; i < 10000; i++) {
        int64_t now = clock_mono_ns();
        assert_true(now >= last);
        last = now;
    }
}

static void the_real_clock_is_that_of_libc(void **state)
{
    (void)state;
    int64_t before = (int64_t)time(NULL);
    int64_t now = clock_real_ns() / NS_PER_S;
    assert_in_range(now, before, before + 10);
}

static void known_times(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *text;
    } known[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {INT64_C(951782400000000000), "2000-02-29T00:00:00.000Z"},
        {INT64_C(951868799999999999), "2000-02-29T23:59:59.999Z"},
        {INT64_C(4107542400000000000), "2100-03-01T00:00:00.000Z"},
        {INT64_C(1795473076123000000), "2026-11-23T22:31:16.123Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854Z"},
        {INT64_MIN, "1677-09-21T00:12:43.145Z"},
    };
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        char out[RFC3339_BYTES];
        struct str s = rfc3339_format(known[i].ns, out);
        assert_str(s, str_from(known[i].text));
        assert_int_equal(out[s.n], '\0');
    }
}

static void dates_are_those_of_libc(void **state)
{
    (void)state;
    struct unit_random r = {31337};
    for (int i = 0; i < 200000; i++) {
        int64_t ns = (int64_t)unit_random(&r);
        int64_t ms = ns / NS_PER_MS - (ns % NS_PER_MS < 0);
        time_t s = (time_t)(ms / 1000 - (ms % 1000 < 0));
        struct tm tm;
        char expected[40], out[RFC3339_BYTES];
        size_t n = strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S", gmtime_r(&s, &tm));
        snprintf(expected + n, sizeof expected - n, ".%03dZ", (int)(ms - s * 1000));
        assert_str(rfc3339_format(ns, out), str_from(expected));

        int64_t back = 0;
        if (ms * NS_PER_MS / NS_PER_MS == ms && ns > INT64_MIN + NS_PER_S) {
            assert_true(rfc3339_parse(str_from(expected), &back));
            assert_int_equal(back, ms * NS_PER_MS);
        }
    }
}

static void every_day_of_560_years_has_its_date(void **state)
{
    (void)state;
    for (int64_t day = -100000; day < 106000; day++) {
        char out[RFC3339_BYTES];
        int64_t back = 1, ns = day * 86400 * NS_PER_S;
        assert_true(rfc3339_parse(rfc3339_format(ns, out), &back));
        assert_int_equal(back, ns);
    }
}

static void all_forms_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *same;
    } forms[] = {
        {"2026-11-23T22:31:16Z", "2026-11-23T22:31:16.000Z"},
        {"2026-11-23t22:31:16z", "2026-11-23T22:31:16.000Z"},
        {"2026-11-23T22:31:16.5Z", "2026-11-23T22:31:16.500Z"},
        {"2026-11-23T22:31:16.123456789012345Z", "2026-11-23T22:31:16.123Z"},
        {"2026-11-24T00:01:16+01:30", "2026-11-23T22:31:16.000Z"},
        {"2026-11-23T22:31:16-00:00", "2026-11-23T22:31:16.000Z"},
        {"2026-11-22T22:32:16-23:59", "2026-11-23T22:31:16.000Z"},
        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"},
        {"2016-12-31T15:59:60-08:00", "2017-01-01T00:00:00.000Z"},
        {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"},
    };
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        int64_t ns;
        char out[RFC3339_BYTES];
        if (!rfc3339_parse(str_from(forms[i].text), &ns))
            fail_msg("%s was refused", forms[i].text);
        assert_str(rfc3339_format(ns, out), str_from(forms[i].same));
    }
    int64_t ns;
    assert_true(rfc3339_parse(STR("1970-01-01T00:00:00.123456789Z"), &ns));
    assert_int_equal(ns, 123456789);
}

static void all_else_is_refused(void **state)
{
    (void)state;
    static const struct str bad[] = {
        STR_INIT(""),
        STR_INIT("2026-11-23"),
        STR_INIT("2026-11-23T22:31:16"),
        STR_INIT("2026-11-23 22:31:16Z"),
        STR_INIT("2026-11-23T22:31Z"),
        STR_INIT("2026-11-23T22:31:16.Z"),
        STR_INIT("2026-11-23T22:31:16,5Z"),
        STR_INIT("2026-11-23T24:00:00Z"),
        STR_INIT("2026-11-23T22:60:00Z"),
        STR_INIT("2026-11-23T22:31:60Z"),
        STR_INIT("2016-12-31T23:59:61Z"),
        STR_INIT("2016-12-31T23:59:60+01:00"),
        STR_INIT("2026-13-01T00:00:00Z"),
        STR_INIT("2026-00-01T00:00:00Z"),
        STR_INIT("2026-02-29T00:00:00Z"),
        STR_INIT("2100-02-29T00:00:00Z"),
        STR_INIT("2026-04-31T00:00:00Z"),
        STR_INIT("2026-04-00T00:00:00Z"),
        STR_INIT("2026-11-23T22:31:16+0100"),
        STR_INIT("2026-11-23T22:31:16+24:00"),
        STR_INIT("2026-11-23T22:31:16+01:60"),
        STR_INIT("2026-11-23T22:31:16ZZ"),
        STR_INIT("2026-11-23T22:31:16Z\0"),
        STR_INIT("2026-11-23T22:31:16\0"),
        STR_INIT("2026-11-23T22:31:16.5\0"),
        STR_INIT("-026-11-23T22:31:16Z"),
        STR_INIT("+2026-11-23T22:31:16Z"),
        STR_INIT("0001-01-01T00:00:00Z"),
        STR_INIT("9999-12-31T23:59:59Z"),
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        int64_t untouched = 42;
        if (rfc3339_parse(bad[i], &untouched))
            fail_msg("\"%.*s\" was read", STR_ARG(bad[i]));
        assert_int_equal(untouched, 42);
    }
}

/* Each prefix and each single changed byte of a good time: no crash, and what
 * is still read formats to something that is read again. */
static void damaged_times_do_no_harm(void **state)
{
    (void)state;
    static const char good[] = "2016-12-31T23:59:60.25+00:00";
    for (size_t at = 0; at < sizeof good - 1; at++) {
        int64_t ns;
        assert_false(rfc3339_parse(str_make(good, at), &ns));
        for (int c = 0; c < 256; c++) {
            char text[sizeof good], out[RFC3339_BYTES];
            memcpy(text, good, sizeof good);
            text[at] = (char)c;
            if (rfc3339_parse(str_make(text, sizeof good - 1), &ns))
                assert_true(rfc3339_parse(rfc3339_format(ns, out), &ns));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_monotonic_clock_goes_on),
        cmocka_unit_test(the_real_clock_is_that_of_libc),
        cmocka_unit_test(known_times),
        cmocka_unit_test(dates_are_those_of_libc),
        cmocka_unit_test(every_day_of_560_years_has_its_date),
        cmocka_unit_test(all_forms_are_read),
        cmocka_unit_test(all_else_is_refused),
        cmocka_unit_test(damaged_times_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
