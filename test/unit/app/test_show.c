/* app/show.c and app/chart.c: what people read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "app/app_sql.h"
#include "app/chart.h"
#include "app/show.h"
#include "base/clock.h"

static struct arena arena;

static int start(void **state)
{
    (void)state;
    arena = (struct arena)ARENA_INIT;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

#define assert_shows(got, text) assert_string_equal((got).p, (text))

static void counts(void **state)
{
    (void)state;
    assert_shows(show_count(&arena, 0), "0");
    assert_shows(show_count(&arena, 999), "999");
    assert_shows(show_count(&arena, 1000), "1,000");
    assert_shows(show_count(&arena, 123456), "123,456");
    assert_shows(show_count(&arena, 1234567), "1,234,567");
    assert_shows(show_count(&arena, -123), "-123");
    assert_shows(show_count(&arena, INT64_MIN), "-9,223,372,036,854,775,808");
}

static void sizes(void **state)
{
    (void)state;
    assert_shows(show_bytes(&arena, 0), "0 B");
    assert_shows(show_bytes(&arena, 1023), "1023 B");
    assert_shows(show_bytes(&arena, 1024), "1.0 KiB");
    assert_shows(show_bytes(&arena, 16384), "16 KiB");
    assert_shows(show_bytes(&arena, 5400000), "5.1 MiB");
    assert_shows(show_bytes(&arena, INT64_C(3) << 40), "3.0 TiB");
    assert_shows(show_bytes(&arena, INT64_MAX), "8388608 TiB");
}

static void times(void **state)
{
    (void)state;
    struct moment m = show_moment(&arena, STR("2026-11-03T22:31:16.123Z"));
    assert_shows(m.iso, "2026-11-03T22:31:16.123Z");
    assert_shows(m.text, "3 Nov 2026, 22:31 UTC");
    m = show_moment(&arena, STR("2026-12-31T23:30:00-01:00"));
    assert_shows(m.text, "1 Jan 2027, 00:30 UTC");
    m = show_moment(&arena, STR("yesterday"));
    assert_int_equal(m.iso.n, 0);
    assert_int_equal(m.text.n, 0);
    assert_shows(show_day(&arena, STR("2026-02-28")), "28 Feb");
    assert_shows(show_day(&arena, STR("2026-13-01")), "1 ?");
}

static int64_t noon(const char *date)
{
    char text[40];
    int64_t ns = 0;
    snprintf(text, sizeof text, "%sT12:00:00Z", date);
    assert_true(rfc3339_parse(str_from(text), &ns));
    return ns;
}

static void open_database(struct write_tx *tx)
{
    assert_int_equal(sqlite3_open(":memory:", &tx->reader.conn.db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(tx->reader.conn.db, app_migrations[0].sql, NULL, NULL, NULL),
                     SQLITE_OK);
}

static void happened(struct write_tx *tx, const char *day, int64_t created, int64_t updated,
                     int64_t deleted)
{
    struct activity_add_args args = {
        .day = str_from(day), .created = created, .updated = updated, .deleted = deleted};
    assert_int_equal(activity_add(tx, &args, NULL, NULL), 0);
}

/* Each bar stands on the one below it and inside of the picture. */
static void check_bars(const struct chart_view *c)
{
    for (int i = 0; i < CHART_DAYS; i++) {
        const struct chart_day *d = &c->days[i];
        int top = CHART_HEIGHT;
        assert_int_equal(d->x, i * CHART_STEP);
        assert_int_equal(d->created_h > 0, d->created > 0);
        assert_int_equal(d->updated_h > 0, d->updated > 0);
        assert_int_equal(d->deleted_h > 0, d->deleted > 0);
        if (d->created_h)
            assert_int_equal(d->created_y, top -= d->created_h);
        if (d->updated_h)
            assert_int_equal(d->updated_y, top -= d->updated_h);
        if (d->deleted_h)
            assert_int_equal(d->deleted_y, top -= d->deleted_h);
        assert_true(top >= 0);
    }
}

static void a_chart(void **state)
{
    struct write_tx tx = {0};
    struct chart_view c;
    (void)state;
    open_database(&tx);
    happened(&tx, "2026-10-24", 50, 0, 0); /* a day too old */
    happened(&tx, "2026-10-25", 1, 0, 0);
    happened(&tx, "2026-11-01", 1000, 1, 1);
    happened(&tx, "2026-11-22", 2, 0, 0);
    happened(&tx, "2026-11-22", 0, 3, 4);
    happened(&tx, "2026-11-23", 0, 0, 1);
    happened(&tx, "2026-11-24", 9, 9, 9); /* of a clock that was ahead */
    assert_int_equal(chart_fill(&tx.reader, noon("2026-11-23"), &arena, &c, NULL), 0);

    assert_shows(c.days[0].name, "25 Oct");
    assert_shows(c.days[CHART_DAYS - 1].name, "23 Nov");
    assert_int_equal(c.days[0].created, 1);
    assert_int_equal(c.days[28].created, 2);
    assert_int_equal(c.days[28].updated, 3);
    assert_int_equal(c.days[28].deleted, 4);
    assert_int_equal(c.days[29].deleted, 1);
    assert_int_equal(c.total, 1 + 1002 + 9 + 1);
    assert_int_equal(c.most, 1002);
    assert_shows(c.busiest, "1 Nov");
    check_bars(&c);
    conn_close(&tx.reader.conn);
}

static void a_chart_of_nothing(void **state)
{
    struct write_tx tx = {0};
    struct chart_view c;
    (void)state;
    open_database(&tx);
    assert_int_equal(chart_fill(&tx.reader, noon("2026-03-01"), &arena, &c, NULL), 0);
    assert_int_equal(c.total, 0);
    assert_shows(c.days[0].name, "31 Jan");
    check_bars(&c);
    conn_close(&tx.reader.conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counts, start, stop),
        cmocka_unit_test_setup_teardown(sizes, start, stop),
        cmocka_unit_test_setup_teardown(times, start, stop),
        cmocka_unit_test_setup_teardown(a_chart, start, stop),
        cmocka_unit_test_setup_teardown(a_chart_of_nothing, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
