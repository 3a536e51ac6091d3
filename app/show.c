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

static void print_day(struct buf *b, struct str day)
{
    buf_i64(b, two_digits(day.p + sizeof "2026-11-" - 1));
    buf_char(b, ' ');
    buf_add(b, str_from(month_name(day)));
}

struct str show_day(struct arena *arena, struct str day)
{
    char text[16];
    struct buf b = BUF_FIXED(text);
    print_day(&b, day);
    return arena_copy(arena, buf_str(&b));
}

struct moment show_moment(struct arena *arena, struct str rfc3339)
{
    int64_t ns;
    char utc[RFC3339_BYTES], text[40];
    struct buf b = BUF_FIXED(text);
    if (!rfc3339_parse(rfc3339, &ns))
        return (struct moment){STR(""), STR("")};
    struct str iso = rfc3339_format(ns, utc);
    print_day(&b, iso);
    buf_char(&b, ' ');
    buf_add(&b, str_sub(iso, 0, sizeof "2026" - 1));
    buf_lit(&b, ", ");
    buf_add(&b, str_sub(iso, sizeof "2026-11-23T" - 1, sizeof "22:31" - 1));
    buf_lit(&b, " UTC");
    return (struct moment){arena_copy(arena, iso), arena_copy(arena, buf_str(&b))};
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
