/* engine/export.c */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>

#include "base/fault.h"
#include "test/unit/engine/store_fixture.h"

/* Exports go to a second folder. */
static struct fixture *other;

static int setup(void **state)
{
    void *second = NULL;
    int rc = fixture_setup(state);
    if (!rc)
        rc = fixture_setup(&second);
    other = second;
    return rc;
}

static int teardown(void **state)
{
    void *second = other;
    return fixture_teardown(state) | fixture_teardown(&second);
}

static void make_tenant(struct fixture *f, const char *name, int rows)
{
    struct tenant_name t = fixture_name(name);
    char sql[256];
    assert_ok(store_create(f->store, &t, e));
    struct conn w = fixture_open(f, name, CONN_WRITE);
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d)"
             "INSERT INTO row (text) SELECT 'secret of %s ' || i FROM n",
             rows, name);
    fixture_sql(w.db, sql);
    conn_close(&w); /* the rows are in the WAL */
}

static void assert_rows(const char *path, int rows)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(fixture_int(db, "SELECT count(*) FROM row"), rows);
    assert_int_equal(fixture_int(db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"),
                     1);
    assert_int_equal(fixture_int(db, "SELECT journal_mode = 'delete' FROM pragma_journal_mode"), 1);
    sqlite3_close(db);
}

static int files_in_other(void)
{
    int n = 0;
    DIR *d = opendir(other->path);
    for (struct dirent *file; (file = readdir(d));)
        n += file->d_name[0] != '.' || strlen(file->d_name) > 2;
    closedir(d);
    return n;
}

static void one_file_has_all(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme"), none = fixture_name("none");
    make_tenant(f, "acme", 300);
    make_tenant(f, "rival", 300);
    const char *out = fixture_path(other, "acme.sqlite");
    assert_ok(store_export(f->store, &t, out, false, e));
    assert_rows(out, 300);
    assert_int_equal(files_in_other(), 1); /* no temporary file, no -wal */
    struct stat st;
    assert_int_equal(stat(out, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);

    char *bytes = malloc((size_t)st.st_size);
    int fd = open(out, O_RDONLY);
    assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
    close(fd);
    assert_non_null(memmem(bytes, (size_t)st.st_size, "secret of acme", 14));
    assert_null(memmem(bytes, (size_t)st.st_size, "rival", 5));
    free(bytes);

    assert_fails(store_export(f->store, &none, fixture_path(other, "n"), false, e), ERR_NOT_FOUND,
                 "no tenant none");
    assert_int_equal(files_in_other(), 1);
}

static void what_exists_is_kept_unless_told(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme");
    make_tenant(f, "acme", 10);
    fixture_write(other, "out", "mine", 4);
    const char *out = fixture_path(other, "out");
    assert_fails(store_export(f->store, &t, out, false, e), ERR_EXISTS, "exists already");
    struct stat st;
    assert_int_equal(stat(out, &st), 0);
    assert_int_equal(st.st_size, 4);
    assert_ok(store_export(f->store, &t, out, true, e));
    assert_rows(out, 10);
    assert_int_equal(symlink("/tmp/nowhere", fixture_path(other, "link")), 0);
    assert_fails(store_export(f->store, &t, fixture_path(other, "link"), false, e), ERR_EXISTS,
                 "exists already");
    assert_int_equal(files_in_other(), 2);
}

static void places_that_are_refused(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme");
    make_tenant(f, "acme", 10);
    assert_fails(store_export(f->store, &t, fixture_path(f, "copy.db"), true, e), ERR_INVALID,
                 "folder of the tenants");
    assert_fails(store_export(f->store, &t, fixture_path(f, "acme.db"), true, e), ERR_INVALID,
                 "folder of the tenants");
    char link[256];
    snprintf(link, sizeof link, "%s", fixture_path(other, "way"));
    assert_int_equal(symlink(f->path, link), 0);
    assert_fails(store_export(f->store, &t, fixture_path(other, "way/acme.db"), true, e),
                 ERR_INVALID, "folder of the tenants");
    assert_fails(store_export(f->store, &t, fixture_path(other, ""), false, e), ERR_INVALID,
                 "no name of a file");
    assert_fails(store_export(f->store, &t, "", false, e), ERR_INVALID, "no name of a file");
    assert_fails(store_export(f->store, &t, fixture_path(other, "no/folder"), false, e), ERR_IO,
                 "cannot write into");
    mkdir(fixture_path(other, "folder"), 0700);
    assert_fails(store_export(f->store, &t, fixture_path(other, "folder"), true, e), ERR_IO,
                 "cannot write");
    assert_int_equal(files_in_other(), 2);
}

struct writing {
    struct fixture *f;
    _Atomic bool stop;
    bool bad;
};

/* Writes ten rows at a time. */
static void *write_on(void *arg)
{
    struct writing *w = arg;
    struct conn c;
    char path[4096];
    snprintf(path, sizeof path, "%s/acme.db", w->f->path);
    if (conn_open(&c, path, CONN_WRITE, 1000, NULL)) {
        w->bad = true;
        return NULL;
    }
    while (!w->stop && !w->bad)
        w->bad = sqlite3_exec(c.db,
                              "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                              "LIMIT 10) INSERT INTO row (text) SELECT 'x' || i FROM n",
                              NULL, NULL, NULL) != SQLITE_OK;
    conn_close(&c);
    return NULL;
}

static void beside_a_writer(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme");
    make_tenant(f, "acme", 1000);
    struct writing w = {.f = f};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_on, &w), 0);
    for (int i = 0; i < 10; i++) {
        char file[16];
        snprintf(file, sizeof file, "out%d", i);
        assert_ok(store_export(f->store, &t, fixture_path(other, file), false, e));
        sqlite3 *db;
        assert_int_equal(sqlite3_open(fixture_path(other, file), &db), SQLITE_OK);
        assert_int_equal(fixture_int(db, "SELECT count(*) % 10 FROM row"), 0);
        assert_int_equal(
            fixture_int(db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
        sqlite3_close(db);
    }
    w.stop = true;
    pthread_join(thread, NULL);
    assert_false(w.bad);
}

static void to_standard_output(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme");
    make_tenant(f, "acme", 2000);
    setenv("TMPDIR", other->path, 1);
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    int out = open(fixture_path(other, "out"), O_CREAT | O_WRONLY, 0600);
    dup2(out, STDOUT_FILENO);
    struct err e = ERR_INIT;
    int rc = store_export(f->store, &t, "-", false, &e);
    int full = open("/dev/full", O_WRONLY);
    dup2(full, STDOUT_FILENO);
    struct err no_room = ERR_INIT;
    int second = store_export(f->store, &t, "-", false, &no_room);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(full);
    close(out);
    unsetenv("TMPDIR");
    assert_int_equal(rc, 0);
    assert_rows(fixture_path(other, "out"), 2000);
    assert_int_equal(second, ERR_DISK_FULL);
    assert_int_equal(files_in_other(), 1);
}

static void a_sweep_of_failures(void **state)
{
    struct fixture *f = *state;
    struct tenant_name t = fixture_name("acme");
    make_tenant(f, "acme", 10);
    static const enum fault_kind kinds[] = {FAULT_IO, FAULT_ALLOC};
    const char *out = fixture_path(other, "out");
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        int failures = 0;
        for (int n = 1;; n++) {
            fault_arm(kinds[k], n, false);
            int rc = store_export(f->store, &t, out, false, NULL);
            bool fired = fault_fired(kinds[k]) > 0;
            fault_arm(kinds[k], 0, false);
            if (!fired) {
                assert_int_equal(rc, 0);
                break;
            }
            assert_true(rc < 0);
            assert_int_equal(files_in_other(), 0);
            failures++;
        }
        assert_int_equal(failures > 0, kinds[k] == FAULT_IO);
        assert_rows(out, 10);
        unlink(out);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(one_file_has_all),        TEST(what_exists_is_kept_unless_told),
        TEST(places_that_are_refused), TEST(beside_a_writer),
        TEST(to_standard_output),      TEST(a_sweep_of_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
