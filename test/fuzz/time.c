/*
 * RFC 3339: what is read is compared with the C library's calendar, what is
 * written reads back as the same millisecond.
 */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "fuzz.h"
#include "oracle.h"

enum { DATE_TIME_BYTES = 19 };

static bool fits(struct str s, const char *pattern)
{
    for (size_t i = 0; pattern[i]; i++)
        if (i >= s.n || (pattern[i] == '9'   ? !oracle_is_digit(s.p[i])
                         : pattern[i] == 'T' ? s.p[i] != 'T' && s.p[i] != 't'
                                             : s.p[i] != pattern[i]))
            return false;
    return s.n >= strlen(pattern);
}

/* Takes ".123" off; nanoseconds, or -1. */
static int64_t take_fraction(struct str *s)
{
    if (s->n == 0 || s->p[0] != '.')
        return 0;
    char nine[] = "000000000";
    size_t n = 1;
    for (; n < s->n && oracle_is_digit(s->p[n]); n++)
        if (n <= 9)
            nine[n - 1] = s->p[n];
    *s = str_make(s->p + n, s->n - n);
    long value;
    return n > 1 && sscanf(nine, "%ld", &value) == 1 ? value : -1;
}

static bool take_offset(struct str s, int *ret_s)
{
    int hour, minute;
    char text[7] = {0};
    *ret_s = 0;
    if (s.n == 1)
        return s.p[0] == 'Z' || s.p[0] == 'z';
    if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-') || !fits(str_make(s.p + 1, 5), "99:99"))
        return false;
    memcpy(text, s.p, 6);
    if (sscanf(text + 1, "%2d:%2d", &hour, &minute) != 2 || hour > 23 || minute > 59)
        return false;
    *ret_s = (text[0] == '-' ? -1 : 1) * (hour * 60 + minute) * 60;
    return true;
}

/* Wide, so that times that 64 bits cannot hold are still told apart. */
static bool oracle_parse(struct str s, __int128 *ret)
{
    char text[DATE_TIME_BYTES + 1] = {0};
    struct tm tm = {0};
    int offset;
    if (!fits(s, "9999-99-99T99:99:99"))
        return false;
    memcpy(text, s.p, DATE_TIME_BYTES);
    text[10] = 'T';
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec) != 6 ||
        tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    struct tm noon = {.tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = tm.tm_mday};
    timegm(&noon); /* a day that does not exist is moved to one that does */
    if (noon.tm_mday != tm.tm_mday || noon.tm_mon != tm.tm_mon)
        return false;
    bool leap = tm.tm_sec == 60;
    struct str rest = str_make(s.p + DATE_TIME_BYTES, s.n - DATE_TIME_BYTES);
    int64_t ns = take_fraction(&rest);
    if (ns < 0 || !take_offset(rest, &offset))
        return false;
    int64_t utc = timegm(&tm) - offset;
    *ret = (__int128)utc * 1000000000 + ns;
    return !leap || ((utc % 86400) + 86400) % 86400 == 0;
}

static void check_format(int64_t ns)
{
    char text[RFC3339_BYTES];
    int64_t back;
    __int128 wide;
    struct str s = rfc3339_format(ns, text);
    FUZZ_CHECK(s.n == RFC3339_BYTES - 1 && fits(s, "9999-99-99T99:99:99.999Z"));
    FUZZ_CHECK(oracle_parse(s, &wide));
    FUZZ_CHECK(wide <= ns && ns - wide < 1000000);
    /* The last second before the range begins is lost: 1677 is not needed. */
    if (ns > INT64_MIN + 2 * NS_PER_S)
        FUZZ_CHECK(rfc3339_parse(s, &back) && back == wide);
}

void fuzz_one(struct str in, struct arena *a)
{
    (void)a;
    int64_t ns = -1;
    __int128 wide = 0;
    bool ok = rfc3339_parse(in, &ns);
    bool right = oracle_parse(in, &wide);
    FUZZ_CHECK(ok || ns == -1);
    if (!right || wide > INT64_MAX || wide < INT64_MIN)
        FUZZ_CHECK(!ok);
    else if (wide > INT64_MIN + NS_PER_S)
        FUZZ_CHECK(ok && ns == wide);
    if (ok)
        check_format(ns);
    if (in.n >= sizeof ns) {
        memcpy(&ns, in.p, sizeof ns);
        check_format(ns);
    }
}
