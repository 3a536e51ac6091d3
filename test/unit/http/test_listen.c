/* http/listen.c */
#include "http/listen.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/unit/base/unit.h"

static int family_of(int fd)
{
    struct sockaddr_storage a;
    socklen_t n = sizeof a;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    return a.ss_family;
}

static void any_port_is_the_same_for_all(void **state)
{
    (void)state;
    struct listeners l = {.n = 0};
    struct err e = ERR_INIT;
    if (listeners_open(NULL, 0, false, &l, &e) < 0)
        fail_msg("%s", e.text);
    assert_in_range(l.port, 1, 65535);
    assert_in_range(l.n, 1, 2); /* a machine may lack IPv6 */
    assert_int_equal(family_of(l.fds[0]), AF_INET);
    assert_false(l.from_systemd);
    listeners_close(&l);
    assert_int_equal(l.n, 0);
}

static void a_taken_port_is_one_clear_line(void **state)
{
    (void)state;
    struct listeners first = {.n = 0}, second = {.n = 7};
    struct err e = ERR_INIT;
    assert_int_equal(listeners_open("127.0.0.1", 0, false, &first, &e), 0);
    assert_int_equal(listeners_open("127.0.0.1", first.port, false, &second, &e), ERR_EXISTS);
    assert_int_equal(e.code, ERR_EXISTS);
    assert_non_null(strstr(e.text, "taken"));
    assert_null(strchr(e.text, '\n'));
    assert_int_equal(second.n, 7);
    listeners_close(&first);
}

static void bad_hosts(void **state)
{
    (void)state;
    static const char *const hosts[] = {
        "", ",", "127.0.0.1,", "999.1.1.1", "no such.invalid", "192.0.2.1", "127.0.0.1:80", "[::1"};
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        struct listeners l = {.n = 7};
        struct err e = ERR_INIT;
        if (listeners_open(hosts[i], 0, false, &l, &e) != ERR_USAGE)
            fail_msg("accepted: %s", hosts[i]);
        assert_int_equal(l.n, 7);
        assert_true(e.text[0] != '\0');
    }
}

static void lists(void **state)
{
    (void)state;
    struct listeners l = {.n = 0};
    struct err e = ERR_INIT;
    if (listeners_open(" 127.0.0.1 , 127.0.0.2,127.0.0.3", 0, false, &l, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(l.n, 3);
    listeners_close(&l);
    if (listeners_open("*", 0, false, &l, &e) < 0)
        fail_msg("%s", e.text);
    listeners_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_port_is_the_same_for_all),
        cmocka_unit_test(a_taken_port_is_one_clear_line),
        cmocka_unit_test(bad_hosts),
        cmocka_unit_test(lists),
    };
    return cmocka_run_group_tests_name("listen", tests, NULL, NULL);
}
