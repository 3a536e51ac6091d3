/* engine/tenant_name.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <cmocka.h>

#include "engine/tenant_name.h"

/* The rule, said another way than the program does. */
static int allowed(const char *s, size_t n)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    static const char *const ends[] = {"-pos", "-lock", "-journal", "-wal", "-shm"};
    if (n < 1 || n > 63)
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (!s[i] || !(strchr(first, s[i]) || (i > 0 && strchr("-_", s[i]))))
            return 0;
    }
    for (size_t i = 0; i < 5; i++) {
        size_t k = strlen(ends[i]);
        if (n >= k && strncasecmp(s + n - k, ends[i], k) == 0)
            return 0;
    }
    return 1;
}

static void check(const char *s, size_t n)
{
    struct tenant_name t = {.n = 99}, again;
    struct err e = ERR_INIT;
    int rc = tenant_name_parse(str_make(s, n), &t, &e);
    if (!allowed(s, n)) {
        assert_int_equal(rc, ERR_MALFORMED);
        assert_int_equal(e.code, ERR_MALFORMED);
        assert_int_equal(t.n, 99); /* untouched */
        return;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(t.n, n);
    assert_int_equal(t.s[n], '\0');
    assert_true(str_eq_nocase(str_make(s, n), tenant_name_str(&t)));
    assert_int_equal(tenant_name_parse(tenant_name_str(&t), &again, NULL), 0);
    assert_memory_equal(&t, &again, sizeof t); /* folding twice changes nothing */
}

static void every_byte_at_every_position(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 2, 3, 32, 63, 64};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t n = lengths[i];
        for (size_t at = 0; at < n; at++) {
            for (int byte = 0; byte < 256; byte++) {
                char s[64];
                memset(s, 'a', n);
                s[at] = (char)byte;
                check(s, n);
            }
        }
    }
}

static void lengths(void **state)
{
    (void)state;
    char s[300];
    memset(s, 'z', sizeof s);
    for (size_t n = 0; n <= sizeof s; n++)
        check(s, n);
    check(NULL, 0);
}

static void reserved_ends(void **state)
{
    (void)state;
    static const char *const names[] = {"a-pos",   "a-lock", "a-journal", "a-wal", "a-shm",
                                        "A-WAL",   "a-Shm",  "x-y-pos",   "a-poS", "apos",
                                        "awal",    "a-walx", "a-pos-",    "a_pos", "wal",
                                        "a-wal-1", "pos-a",  "0-journals"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check(names[i], strlen(names[i]));
}

static uint32_t next_random(uint32_t *seed)
{
    return *seed = *seed * 1664525u + 1013904223u;
}

/* Names near each other: few letters, both cases, the ends that are reserved. */
static size_t random_name(uint32_t *seed, char out[16])
{
    static const char letters[] = "aAbB01-_.wWlL/\0 ";
    size_t n = next_random(seed) >> 29;
    for (size_t i = 0; i < n; i++)
        out[i] = letters[(next_random(seed) >> 24) % (sizeof letters - 1)];
    if (next_random(seed) >> 30 == 0) {
        memcpy(out + n, "-wal", 4);
        n += 4;
    }
    return n;
}

static void two_names_share_no_file(void **state)
{
    (void)state;
    uint32_t seed = 7;
    int accepted = 0;
    for (int i = 0; i < 50000; i++) {
        char a[16], b[16];
        struct tenant_name ta, tb, of;
        size_t na = random_name(&seed, a), nb = random_name(&seed, b);
        check(a, na);
        if (tenant_name_parse(str_make(a, na), &ta, NULL) ||
            tenant_name_parse(str_make(b, nb), &tb, NULL))
            continue;
        accepted++;
        char file[80];
        snprintf(file, sizeof file, "%s.db", ta.s);
        assert_true(tenant_name_of_file(str_from(file), &of));
        assert_memory_equal(&ta, &of, sizeof of);
        /* The files are one exactly where the names differ in case only. */
        assert_int_equal(strcmp(ta.s, tb.s) == 0, str_eq_nocase(str_make(a, na), str_make(b, nb)));
    }
    assert_true(accepted > 500);
}

static void other_files_are_nobodys(void **state)
{
    (void)state;
    static const char *const files[] = {"",
                                        ".db",
                                        "acme",
                                        "acme.dbx",
                                        "acme.db-wal",
                                        "acme.db-shm",
                                        "ACME.db",
                                        "Acme.db",
                                        "acme.DB",
                                        ".rowhouse-new-1",
                                        "a/b.db",
                                        "..db",
                                        "acme-wal.db",
                                        "acme.db.db",
                                        " acme.db",
                                        "acme .db",
                                        "-acme.db",
                                        "acme\n.db"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct tenant_name t = {.n = 99};
        assert_false(tenant_name_of_file(str_from(files[i]), &t));
        assert_int_equal(t.n, 99);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_at_every_position),
        cmocka_unit_test(lengths),
        cmocka_unit_test(reserved_ends),
        cmocka_unit_test(two_names_share_no_file),
        cmocka_unit_test(other_files_are_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
