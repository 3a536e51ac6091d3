/*
 * Clocks, and RFC 3339 to and from nanoseconds. Dates are counted in the
 * proleptic Gregorian calendar with years that begin in March, so that the
 * leap day is a year's last and needs no table.
 */
#include "base/clock.h"

#include <assert.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    int rc = clock_gettime(id, &t);
    assert(rc == 0);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t clock_mono_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_real_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

enum { DAYS_400_YEARS = 146097, DAYS_TO_1970 = 719468, S_PER_DAY = 86400 };

struct date {
    int64_t year;
    int month, day; /* from 1 */
};

/* Days since 1970-01-01. DAYS_TO_1970 counts from 0000-03-01. */
static int64_t days_from_date(struct date d)
{
    int64_t year = d.year - (d.month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month_from_march = (d.month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + d.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_400_YEARS + day_of_era - DAYS_TO_1970;
}

static struct date date_from_days(int64_t days)
{
    days += DAYS_TO_1970;
    int64_t era = (days >= 0 ? days : days - DAYS_400_YEARS + 1) / DAYS_400_YEARS;
    int64_t day_of_era = days - era * DAYS_400_YEARS;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (year_of_era * 365 + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    return (struct date){.year = era * 400 + year_of_era + (month <= 2),
                         .month = month,
                         .day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1)};
}

static char *put_digits(char *p, int64_t v, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        p[i] = (char)('0' + v % 10);
        v /= 10;
    }
    return p + width;
}

static char *put_part(char *p, int64_t v, int width, char behind)
{
    p = put_digits(p, v, width);
    *p = behind;
    return p + 1;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

struct str rfc3339_format(int64_t real_ns, char out[RFC3339_BYTES])
{
    int64_t ms = floor_div(real_ns, NS_PER_MS);
    int64_t s = floor_div(ms, 1000);
    int64_t days = floor_div(s, S_PER_DAY);
    int64_t of_day = s - days * S_PER_DAY;
    struct date d = date_from_days(days);

    char *p = put_part(out, d.year, 4, '-');
    p = put_part(p, d.month, 2, '-');
    p = put_part(p, d.day, 2, 'T');
    p = put_part(p, of_day / 3600, 2, ':');
    p = put_part(p, of_day / 60 % 60, 2, ':');
    p = put_part(p, of_day % 60, 2, '.');
    p = put_part(p, ms - s * 1000, 3, 'Z');
    *p = '\0';
    return str_make(out, RFC3339_BYTES - 1);
}

/* Takes `width` digits off *s, as a number from lo to hi. */
static bool take_number(struct str *s, size_t width, int lo, int hi, int *ret)
{
    if (s->n < width)
        return false;
    int v = 0;
    for (size_t i = 0; i < width; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return false;
        v = v * 10 + (s->p[i] - '0');
    }
    *s = str_sub(*s, width, s->n);
    *ret = v;
    return v >= lo && v <= hi;
}

/* Takes one character off *s, which must be one of `allowed`. */
static bool take_char(struct str *s, const char *allowed, char *ret)
{
    if (s->n == 0 || s->p[0] == '\0' || !strchr(allowed, s->p[0]))
        return false;
    *ret = s->p[0];
    *s = str_sub(*s, 1, s->n);
    return true;
}

static int days_in_month(int64_t year, int month)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static bool take_date(struct str *s, int64_t *ret_days)
{
    int year, month, day;
    char c;
    if (!take_number(s, 4, 0, 9999, &year) || !take_char(s, "-", &c) ||
        !take_number(s, 2, 1, 12, &month) || !take_char(s, "-", &c) ||
        !take_number(s, 2, 1, days_in_month(year, month), &day))
        return false;
    *ret_days = days_from_date((struct date){year, month, day});
    return true;
}

/* A fraction is optional, but not empty; digits past the ninth are dropped. */
static bool take_fraction(struct str *s, int64_t *ret_ns)
{
    char c;
    *ret_ns = 0;
    if (!take_char(s, ".", &c))
        return true;
    int64_t unit = NS_PER_S / 10;
    int digit, n = 0;
    while (take_number(s, 1, 0, 9, &digit)) {
        *ret_ns += digit * unit;
        unit /= 10;
        n++;
    }
    return n > 0;
}

static bool take_time(struct str *s, int64_t *ret_s, int64_t *ret_ns)
{
    int hour, minute, second;
    char c;
    if (!take_number(s, 2, 0, 23, &hour) || !take_char(s, ":", &c) ||
        !take_number(s, 2, 0, 59, &minute) || !take_char(s, ":", &c) ||
        !take_number(s, 2, 0, 60, &second) || !take_fraction(s, ret_ns))
        return false;
    *ret_s = hour * 3600 + minute * 60 + second;
    return true;
}

static bool take_offset(struct str *s, int64_t *ret_s)
{
    char sign;
    int hour = 0, minute = 0;
    if (!take_char(s, "Zz+-", &sign))
        return false;
    if (sign == '+' || sign == '-') {
        char c;
        if (!take_number(s, 2, 0, 23, &hour) || !take_char(s, ":", &c) ||
            !take_number(s, 2, 0, 59, &minute))
            return false;
    }
    int64_t offset = hour * 3600 + minute * 60;
    *ret_s = sign == '-' ? -offset : offset;
    return s->n == 0;
}

/* Second 60 exists only as a leap second, at the end of a UTC day. It is read
 * as the second after it, as POSIX time has no other place for it. */
static bool leap_ok(int64_t utc)
{
    return floor_div(utc, S_PER_DAY) * S_PER_DAY == utc;
}

bool rfc3339_parse(struct str s, int64_t *ret_real_ns)
{
    int64_t days, of_day, ns, offset, real_ns;
    char t;
    if (!take_date(&s, &days) || !take_char(&s, "Tt", &t))
        return false;
    bool is_leap = s.n >= 8 && s.p[6] == '6';
    if (!take_time(&s, &of_day, &ns) || !take_offset(&s, &offset))
        return false;
    int64_t utc = days * S_PER_DAY + of_day - offset;
    if (is_leap && !leap_ok(utc))
        return false;
    if (__builtin_mul_overflow(utc, NS_PER_S, &real_ns) ||
        __builtin_add_overflow(real_ns, ns, &real_ns))
        return false;
    *ret_real_ns = real_ns;
    return true;
}
