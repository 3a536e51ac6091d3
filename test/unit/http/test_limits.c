/* http/limits.c */
#include "http/limits.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fault.h"
#include "test/unit/base/unit.h"

static struct in6_addr address(const char *text)
{
    struct in6_addr a;
    assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
    return a;
}

static struct limits *make(int64_t connections_max, int64_t per_address, int64_t create_rate)
{
    struct limits *l = malloc(sizeof *l);
    assert_non_null(l);
    limits_init(l, connections_max, per_address, create_rate);
    return l;
}

static void drop(struct limits *l)
{
    limits_free(l);
    free(l);
}

static void connections_of_one_address(void **state)
{
    (void)state;
    struct limits *l = make(0, 2, 0);
    const struct in6_addr a = address("::ffff:1.2.3.4"), b = address("::ffff:1.2.3.5"),
                          c = address("2001:db8::1"), same = address("2001:db8::ffff:2"),
                          next = address("2001:db8:0:1::1");
    assert_true(limits_connect(l, &a, false));
    assert_true(limits_connect(l, &a, false));
    assert_false(limits_connect(l, &a, false));
    assert_true(limits_connect(l, &b, false));
    limits_disconnect(l, &a, false);
    assert_true(limits_connect(l, &a, false));
    assert_false(limits_connect(l, &a, true)); /* a limit that was set is for all */
    assert_true(limits_connect(l, &c, false));
    assert_true(limits_connect(l, &same, false));
    assert_false(limits_connect(l, &c, false));
    assert_true(limits_connect(l, &next, false));
    assert_int_equal(l->connections, 6);
    drop(l);
}

static void standard_spares_loopback(void **state)
{
    (void)state;
    struct limits *l = make(0, -1, -1);
    const struct in6_addr a = address("::1"), b = address("::ffff:9.9.9.9");
    for (int i = 0; i < 1000; i++)
        assert_true(limits_connect(l, &a, true) && limits_create(l, &a, true, 0));
    for (int i = 0; i < LIMITS_REMOTE_CONNECTIONS; i++)
        assert_true(limits_connect(l, &b, false));
    assert_false(limits_connect(l, &b, false));
    for (int i = 0; i < LIMITS_REMOTE_CREATIONS; i++)
        assert_true(limits_create(l, &b, false, NS_PER_S));
    assert_false(limits_create(l, &b, false, 59 * NS_PER_S));
    assert_true(limits_create(l, &b, false, 60 * NS_PER_S));
    drop(l);
}

static void connections_of_all(void **state)
{
    (void)state;
    struct limits *l = make(3, 0, 0);
    const struct in6_addr a = address("::1");
    for (int i = 0; i < 3; i++)
        assert_true(limits_connect(l, &a, true));
    assert_false(limits_connect(l, &a, true));
    limits_disconnect(l, &a, true);
    assert_true(limits_connect(l, &a, true));
    drop(l);
}

/* The table holds an address only while it has a connection. */
static void gives_memory_back(void **state)
{
    (void)state;
    struct limits *l = make(0, 5, 0);
    struct unit_random r = {.state = 5};
    for (int i = 0; i < 20000; i++) {
        struct in6_addr a = address("2001:db8::1");
        a.s6_addr[5] = (uint8_t)unit_below(&r, 250);
        a.s6_addr[6] = (uint8_t)unit_below(&r, 250);
        assert_true(limits_connect(l, &a, false));
        limits_disconnect(l, &a, false);
    }
    for (size_t i = 0; i < LIMITS_SLOTS; i++)
        assert_null(l->slots[i]);
    assert_int_equal(l->connections, 0);
    drop(l);
}

static void out_of_memory_refuses(void **state)
{
    (void)state;
    struct limits *l = make(0, 5, 0);
    const struct in6_addr a = address("::ffff:1.2.3.4");
    fault_arm(FAULT_ALLOC, 1, false);
    assert_false(limits_connect(l, &a, false));
    fault_arm(FAULT_ALLOC, 0, false);
    assert_int_equal(l->connections, 0);
    assert_true(limits_connect(l, &a, false));
    drop(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_of_one_address), cmocka_unit_test(standard_spares_loopback),
        cmocka_unit_test(connections_of_all),         cmocka_unit_test(gives_memory_back),
        cmocka_unit_test(out_of_memory_refuses),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
