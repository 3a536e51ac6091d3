/* engine/catalog.c, catalog_watch.c, summary.c */
#include <fcntl.h>
#include <pthread.h>
#include <time.h>

#include "engine/catalog.h"
#include "test/unit/engine/store_fixture.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { SLOW = 20, NAMES = 10000 }; /* tests run long enough there */
#else
enum { SLOW = 1, NAMES = 100000 };
#endif

static struct catalog *open_catalog(struct fixture *f)
{
    struct catalog *c;
    assert_ok(catalog_open(f->store, &c, e));
    return c;
}

static void touch(struct fixture *f, const char *file)
{
    fixture_write(f, file, "", 0);
}

static void sleep_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

/* The watching thread has seen it within two seconds. */
static void await(struct catalog *c, const char *name, bool there)
{
    struct tenant_name t = fixture_name(name);
    for (int i = 0; i < 400 && catalog_contains(c, &t) != there; i++)
        sleep_ms(5);
    if (catalog_contains(c, &t) != there)
        fail_msg("%s is %s", name, there ? "not there" : "still there");
}

/* The names of a page, joined by blanks, "+" at the end where there are more. */
static const char *page(struct catalog *c, const char *prefix, const char *after, unsigned limit)
{
    static char out[4096];
    struct arena a = ARENA_INIT;
    struct catalog_page p;
    assert_ok(catalog_range(c, str_from(prefix), str_from(after), limit, &a, &p, e));
    size_t n = 0;
    for (size_t i = 0; i < p.n; i++) {
        assert_int_equal(strlen(p.names[i].s), p.names[i].n);
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%s", i ? " " : "", p.names[i].s);
    }
    snprintf(out + n, sizeof out - n, "%s", p.more ? "+" : "");
    arena_free(&a);
    return out;
}

static void pages_are_in_order(void **state)
{
    struct fixture *f = *state;
    static const char *const files[] = {"b.db",     "a.db",     "a-b.db",   "a_b.db", "ab.db",
                                        "a0.db",    "zz.db",    "Upper.db", "x.txt",  ".db",
                                        "c.db-wal", "c.db-shm", "9.db"};
    for (size_t i = 0; i < COUNT_OF(files); i++)
        touch(f, files[i]);
    mkdir(fixture_path(f, "folder.db"), 0700);
    assert_int_equal(symlink("a.db", fixture_path(f, "link.db")), 0);
    struct catalog *c = open_catalog(f);
    assert_int_equal(catalog_size(c), 9);
    assert_string_equal(page(c, "", "", 100), "9 a a-b a0 a_b ab b link zz");
    assert_string_equal(page(c, "", "", 9), "9 a a-b a0 a_b ab b link zz");
    assert_string_equal(page(c, "", "", 2), "9 a+");
    assert_string_equal(page(c, "", "a", 2), "a-b a0+");
    assert_string_equal(page(c, "", "aa", 100), "ab b link zz");
    assert_string_equal(page(c, "", "zz", 100), "");
    assert_string_equal(page(c, "a", "", 100), "a a-b a0 a_b ab");
    assert_string_equal(page(c, "A", "", 100), "a a-b a0 a_b ab");
    assert_string_equal(page(c, "a", "a0", 100), "a_b ab");
    assert_string_equal(page(c, "a", "b", 100), "");
    assert_string_equal(page(c, "b", "a", 100), "b");
    assert_string_equal(page(c, "a_", "", 100), "a_b");
    assert_string_equal(page(c, "a%", "", 100), "");
    assert_string_equal(page(c, "\xff", "", 100), "");
    assert_string_equal(page(c, "", "\xff", 100), "");
    assert_string_equal(page(c, "", "", 0), "+");
    char long_prefix[100];
    memset(long_prefix, 'a', 99);
    long_prefix[99] = '\0';
    assert_string_equal(page(c, long_prefix, "", 100), "");
    catalog_close(c);
}

static void putting_and_removing(void **state)
{
    struct catalog *c = open_catalog(*state);
    struct tenant_name t = fixture_name("acme");
    assert_false(catalog_contains(c, &t));
    assert_ok(catalog_remove(c, &t, e));
    assert_ok(catalog_put(c, &t, e));
    assert_ok(catalog_put(c, &t, e));
    assert_int_equal(catalog_size(c), 1);
    assert_true(catalog_contains(c, &t));
    assert_ok(catalog_remove(c, &t, e));
    assert_ok(catalog_remove(c, &t, e));
    assert_int_equal(catalog_size(c), 0);
    catalog_close(c);
}

static void the_folder_is_watched(void **state)
{
    struct fixture *f = *state;
    struct catalog *c = open_catalog(f);
    touch(f, "made.db");
    await(c, "made", true);
    char to[256];
    snprintf(to, sizeof to, "%s", fixture_path(f, "moved.db"));
    assert_int_equal(rename(fixture_path(f, "made.db"), to), 0);
    await(c, "moved", true);
    await(c, "made", false);
    assert_int_equal(unlink(to), 0);
    await(c, "moved", false);
    mkdir(fixture_path(f, "folder.db"), 0700);
    touch(f, "last.db");
    await(c, "last", true); /* after the folder's event */
    assert_string_equal(page(c, "", "", 9), "last");
    catalog_close(c);
}

static void creation_and_deletion_show(void **state)
{
    struct fixture *f = *state;
    struct catalog *c = open_catalog(f);
    struct tenant_name t = fixture_name("acme");
    for (int i = 0; i < 5; i++) {
        assert_ok(store_create(f->store, &t, e));
        await(c, "acme", true);
        assert_ok(store_delete(f->store, &t, 1000, e));
        await(c, "acme", false);
    }
    catalog_close(c);
}

struct crowd {
    struct fixture *f;
    struct catalog *c;
    int number;
    _Atomic bool *stop;
};

static void *make_and_remove(void *arg)
{
    struct crowd *me = arg;
    for (int i = 0; i < 300; i++) {
        char name[32], file[200];
        struct tenant_name t;
        snprintf(name, sizeof name, "t%d-%d", me->number, i);
        if (tenant_name_parse(str_from(name), &t, NULL))
            return arg;
        snprintf(file, sizeof file, "%s/%s.db", me->f->path, name);
        int fd = open(file, O_CREAT | O_WRONLY, 0600);
        if (fd < 0 || close(fd) || catalog_put(me->c, &t, NULL) || !catalog_contains(me->c, &t))
            return arg;
        if (i % 3 == 0 && (unlink(file) || catalog_remove(me->c, &t, NULL)))
            return arg;
    }
    return NULL;
}

/* Pages stay in order and without doubles while names come and go. */
static void *read_pages(void *arg)
{
    struct crowd *me = arg;
    void *bad = NULL;
    while (!*me->stop && !bad) {
        struct arena a = ARENA_INIT;
        struct catalog_page p;
        if (catalog_range(me->c, STR("t"), STR("t1"), 200, &a, &p, NULL))
            bad = arg;
        for (size_t i = 1; !bad && i < p.n; i++)
            bad = strcmp(p.names[i - 1].s, p.names[i].s) < 0 ? NULL : arg;
        arena_free(&a);
    }
    return bad;
}

static void many_threads_at_once(void **state)
{
    struct fixture *f = *state;
    struct catalog *c = open_catalog(f);
    _Atomic bool stop = false;
    pthread_t threads[6];
    struct crowd crowd[6];
    for (int i = 0; i < 6; i++) {
        crowd[i] = (struct crowd){f, c, i, &stop};
        assert_int_equal(
            pthread_create(&threads[i], NULL, i < 4 ? make_and_remove : read_pages, &crowd[i]), 0);
    }
    for (int i = 0; i < 6; i++) {
        void *bad;
        if (i == 4)
            stop = true;
        pthread_join(threads[i], &bad);
        assert_null(bad);
    }
    touch(f, "zz.db"); /* after all their events */
    await(c, "zz", true);
    assert_int_equal(catalog_size(c), 4 * 200 + 1);
    catalog_close(c);
}

static void a_summary_holds_as_long_as_the_files_do(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme"), other = fixture_name("other");
    assert_ok(store_create(f->store, &t, e));
    struct catalog *c = open_catalog(f);
    struct tenant_summary s = {0}, kept = {0};
    struct file_stamp stamp = {{1}}, changed = {{2}};
    assert_false(catalog_summary_get(c, &t, &stamp, &kept));
    s.rows = 7;
    strcpy(s.created_at, "2026-01-02T03:04:05.678Z");
    catalog_summary_put(c, &t, &stamp, &s);
    catalog_summary_put(c, &other, &stamp, &s); /* not in the index: not kept */
    assert_true(catalog_summary_get(c, &t, &stamp, &kept));
    assert_int_equal(kept.rows, 7);
    assert_string_equal(kept.created_at, s.created_at);
    assert_string_equal(kept.last_activity, "");
    assert_false(catalog_summary_get(c, &t, &changed, &kept));
    assert_false(catalog_summary_get(c, &other, &stamp, &kept));
    catalog_close(c);
}

static void a_summary_is_read_again_after_each_change(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme"), none = fixture_name("none");
    struct catalog *c = open_catalog(f);
    struct tenant_summary s;
    int64_t bytes = 0;
    assert_fails(catalog_summary(c, f->store, &none, &s, &bytes, e), ERR_NOT_FOUND, "no tenant");
    assert_ok(store_create(f->store, &t, e));
    await(c, "acme", true);
    struct conn w = fixture_open(f, "acme", CONN_WRITE);
    for (int rows = 0; rows < 40; rows++) {
        assert_ok(catalog_summary(c, f->store, &t, &s, &bytes, e));
        assert_int_equal(s.rows, rows);
        assert_true(bytes >= 4096);
        if (rows == 20)
            sleep_ms(60); /* from here on it may be kept */
        assert_ok(catalog_summary(c, f->store, &t, &s, &bytes, e));
        assert_int_equal(s.rows, rows);
        fixture_sql(w.db, "INSERT INTO row (text) VALUES ('x')");
    }
    conn_close(&w);
    catalog_close(c);
}

static void a_cold_tenant_is_left_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme");
    struct tenant_summary s;
    int64_t bytes;
    assert_ok(store_create(f->store, &t, e));
    struct catalog *c = open_catalog(f);
    assert_ok(catalog_summary(c, f->store, &t, &s, &bytes, e));
    assert_int_equal(s.rows, 0);
    assert_false(fixture_exists(f, "acme.db-wal"));
    assert_false(fixture_exists(f, "acme.db-shm"));
    catalog_close(c);
}

static void a_hundred_thousand_names(void **state)
{
    struct fixture *f = *state;
    int dir = open(f->path, O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < NAMES; i++) {
        char file[32];
        snprintf(file, sizeof file, "tenant-%05d.db", i * 7919 % NAMES);
        int fd = openat(dir, file, O_CREAT | O_WRONLY, 0600);
        assert_true(fd >= 0);
        close(fd);
    }
    close(dir);
    int64_t began = clock_mono_ns();
    struct catalog *c = open_catalog(f);
    int64_t opened = clock_mono_ns();
    assert_int_equal(catalog_size(c), NAMES);
    assert_string_equal(page(c, "tenant-0999", "", 3), "tenant-09990 tenant-09991 tenant-09992+");
    int64_t paging = clock_mono_ns();
    for (int i = 0; i < 1000; i++)
        page(c, "", "tenant-05000", 20);
    int64_t paged = clock_mono_ns();
    print_message("%d names: open %lld ms, a page of 20 %lld us\n", NAMES,
                  (long long)((opened - began) / 1000000), (long long)((paged - paging) / 1000000));
    /* Far above what it takes: 0.3 s and 7 us; fails where it grows. */
    assert_true(opened - began < 6000 * SLOW * NS_PER_MS);
    assert_true(paged - paging < 1000 * SLOW * NS_PER_MS);
    catalog_close(c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(pages_are_in_order),
        TEST(putting_and_removing),
        TEST(the_folder_is_watched),
        TEST(creation_and_deletion_show),
        TEST(many_threads_at_once),
        TEST(a_summary_holds_as_long_as_the_files_do),
        TEST(a_summary_is_read_again_after_each_change),
        TEST(a_cold_tenant_is_left_as_it_was),
        TEST(a_hundred_thousand_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
