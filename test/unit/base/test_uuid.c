/* base/uuid.c */
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "test/unit/base/unit.h"

static uint64_t now_ms(void)
{
    return (uint64_t)(clock_real_ns() / NS_PER_MS);
}

static uint64_t ms_of(const char *id)
{
    char hex[13];
    memcpy(hex, id, 8);
    memcpy(hex + 8, id + 9, 4);
    hex[12] = '\0';
    return strtoull(hex, NULL, 16);
}

static void ids_have_the_form_of_version_7(void **state)
{
    (void)state;
    struct uuid_gen g = {0};
    for (int i = 0; i < 1000; i++) {
        char id[UUID_TEXT_BYTES];
        uint64_t before = now_ms();
        struct str s = uuid_v7(&g, id);
        assert_true(uuid_valid(s));
        assert_int_equal(id[UUID_TEXT_BYTES - 1], '\0');
        assert_int_equal(id[14], '7');
        assert_non_null(strchr("89ab", id[19]));
        assert_in_range(ms_of(id), before, now_ms() + 1);
    }
}

/* Makes n ids, each above the one before. */
static void assert_ascending(struct uuid_gen *g, char last[UUID_TEXT_BYTES], int n)
{
    for (int i = 0; i < n; i++) {
        char id[UUID_TEXT_BYTES];
        uuid_v7(g, id);
        if (strcmp(last, id) >= 0)
            fail_msg("%s is not above %s", id, last);
        memcpy(last, id, sizeof id);
    }
}

static void ids_ascend(void **state)
{
    (void)state;
    struct uuid_gen g = {0};
    char last[UUID_TEXT_BYTES] = "";
    assert_ascending(&g, last, 300000);
}

/* A clock that steps back looks to the generator as if its last id were in
 * the future. */
static void ids_ascend_when_the_clock_steps_back(void **state)
{
    (void)state;
    for (uint64_t step_ms = 1; step_ms < UINT64_C(1) << 36; step_ms *= 10) {
        struct uuid_gen g = {.last_ms = now_ms() + step_ms};
        char last[UUID_TEXT_BYTES] = "";
        assert_ascending(&g, last, 10000);
    }
}

static void a_full_counter_goes_on_in_the_next_millisecond(void **state)
{
    (void)state;
    uint64_t future = now_ms() + 1000000;
    struct uuid_gen g = {.last_ms = future, .counter = 0xffe};
    char a[UUID_TEXT_BYTES], b[UUID_TEXT_BYTES];
    uuid_v7(&g, a);
    uuid_v7(&g, b);
    assert_int_equal(ms_of(a), future);
    assert_memory_equal(a + 14, "7fff", 4);
    assert_int_equal(ms_of(b), future + 1);
    assert_in_range(g.counter, 0, 0x7ff);
}

static void a_seen_id_is_carried_over(void **state)
{
    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct uuid_gen before = {.last_ms = now_ms() + 5000, .counter = (uint16_t)(i * 2)};
        struct uuid_gen after = {0};
        char last[UUID_TEXT_BYTES];
        uuid_v7_seen(&after, uuid_v7(&before, last));
        assert_ascending(&after, last, 3);
    }
}

static void a_lower_id_changes_nothing(void **state)
{
    (void)state;
    struct uuid_gen g = {.last_ms = 0x1234567890ab, .counter = 0x500};
    static const char *const lower[] = {"12345678-90aa-7fff-8000-000000000000",
                                        "12345678-90ab-74ff-8000-000000000000",
                                        "12345678-90ab-7500-bfff-ffffffffffff"};
    for (size_t i = 0; i < COUNT_OF(lower); i++) {
        uuid_v7_seen(&g, str_from(lower[i]));
        assert_int_equal(g.last_ms, 0x1234567890ab);
        assert_int_equal(g.counter, 0x500);
    }
    uuid_v7_seen(&g, STR("12345678-90ab-7501-8000-000000000000"));
    assert_int_equal(g.counter, 0x501);
}

static void ids_that_no_clock_made_are_not_carried_over(void **state)
{
    (void)state;
    static const char *const foreign[] = {
        "ffffffff-ffff-7fff-bfff-ffffffffffff", "e677d21f-dc00-7000-8000-000000000000",
        "12345678-90ab-4def-8000-000000000000", "no id at all", ""};
    struct uuid_gen g = {0};
    for (size_t i = 0; i < COUNT_OF(foreign); i++)
        uuid_v7_seen(&g, str_from(foreign[i]));
    assert_int_equal(g.last_ms, 0);
    assert_int_equal(g.counter, 0);
}

static void only_lower_case_with_hyphens_is_valid(void **state)
{
    (void)state;
    static const char good[] = "01a20a9d-c03f-707d-b46c-964cdfcf390c";
    assert_true(uuid_valid(STR("01a20a9d-c03f-707d-b46c-964cdfcf390c")));
    for (size_t at = 0; at < sizeof good - 1; at++) {
        bool hyphen = good[at] == '-';
        for (int c = 0; c < 256; c++) {
            char text[sizeof good];
            memcpy(text, good, sizeof good);
            text[at] = (char)c;
            bool hex = c && strchr("0123456789abcdef", c);
            assert_int_equal(uuid_valid(str_make(text, 36)), hyphen ? c == '-' : hex);
        }
        assert_false(uuid_valid(str_make(good, at)));
    }
    assert_false(uuid_valid(str_make(good, 37)));
    assert_false(uuid_valid(str_make(NULL, 0)));
}

enum { PER_THREAD = 20000 };

static void *make_random_parts(void *arg)
{
    uint64_t *parts = arg;
    struct uuid_gen g = {0};
    for (int i = 0; i < PER_THREAD; i++) {
        char id[UUID_TEXT_BYTES];
        uuid_v7(&g, id);
        parts[i] = strtoull(id + 24, NULL, 16);
    }
    return NULL;
}

static int order(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* 48 random bits of 40,000 ids: two alike have a chance of 3 in a million. */
static void threads_do_not_share_random_bytes(void **state)
{
    (void)state;
    static uint64_t parts[2 * PER_THREAD];
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, make_random_parts, parts + i * PER_THREAD);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    qsort(parts, COUNT_OF(parts), sizeof *parts, order);
    for (size_t i = 1; i < COUNT_OF(parts); i++)
        assert_true(parts[i - 1] != parts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_have_the_form_of_version_7),
        cmocka_unit_test(ids_ascend),
        cmocka_unit_test(ids_ascend_when_the_clock_steps_back),
        cmocka_unit_test(a_full_counter_goes_on_in_the_next_millisecond),
        cmocka_unit_test(a_seen_id_is_carried_over),
        cmocka_unit_test(a_lower_id_changes_nothing),
        cmocka_unit_test(ids_that_no_clock_made_are_not_carried_over),
        cmocka_unit_test(only_lower_case_with_hyphens_is_valid),
        cmocka_unit_test(threads_do_not_share_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
