/*
 * Values as people read them. See show.h.
 */
#include "app/show.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"

static int two_digits(const char *p)
{
    return (p[0] - '0') * 10 + (p[1] - '0');
}

static const char *month_name(struct str day)
{
    static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int month = two_digits(day.p + sizeof "2026-" - 1);
    return month >= 1 && month <= 12 ? names[month - 1] : "?";
}

struct str show_day(struct arena *arena, struct str day)
{
    return arena_printf(arena, "%d %s", two_digits(day.p + sizeof "2026-11-" - 1), month_name(day));
}

struct moment show_moment(struct arena *arena, struct str rfc3339)
{
    int64_t ns;
    char utc[RFC3339_BYTES];
    if (!rfc3339_parse(rfc3339, &ns))
        return (struct moment){STR(""), STR("")};
    struct str iso = arena_copy(arena, rfc3339_format(ns, utc)), day = show_day(arena, iso);
    return (struct moment){iso, arena_printf(arena, "%.*s %.4s, %.5s UTC", STR_ARG(day), utc,
                                             utc + sizeof "2026-11-23T" - 1)};
}

struct str show_count(struct arena *arena, int64_t n)
{
    char digits[24], out[32];
    int from = snprintf(digits, sizeof digits, "%" PRId64, n), to = 0;
    for (int i = 0; i < from; i++) {
        if (i > (n < 0) && (from - i) % 3 == 0)
            out[to++] = ',';
        out[to++] = digits[i];
    }
    return arena_copy(arena, str_make(out, (size_t)to));
}

struct str show_bytes(struct arena *arena, int64_t n)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double v = (double)n / 1024;
    size_t unit = 0;
    if (n < 1024)
        return arena_printf(arena, "%" PRId64 " B", n);
    for (; v >= 1024 && unit < 3; unit++)
        v /= 1024;
    return arena_printf(arena, v < 10 ? "%.1f %s" : "%.0f %s", v, units[unit]);
}

struct field_view show_field(const struct field *f)
{
    return (struct field_view){
        .value = optstr_or(f->value, STR("")),
        .wrong = f->wrong ? optstr_some(str_from(f->wrong)) : optstr_none(),
    };
}
