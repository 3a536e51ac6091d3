/* base/log.c: descriptor 2 is a pipe that each test reads. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "test/unit/base/unit.h"

enum { CAPTURE_BYTES = 1 << 20 };

static int real_stderr, reader;
static char captured[CAPTURE_BYTES + 1];

static int capture_begin(void **state)
{
    (void)state;
    int fds[2];
    real_stderr = dup(STDERR_FILENO);
    if (real_stderr < 0 || pipe(fds) != 0 || dup2(fds[1], STDERR_FILENO) < 0)
        return -1;
    close(fds[1]);
    reader = fds[0];
    return log_configure(STR(""), LOG_TEXT, NULL);
}

static int capture_end(void **state)
{
    (void)state;
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(reader);
    return 0;
}

/* What is in the pipe, as a string. */
static struct str take_output(void)
{
    fcntl(reader, F_SETFL, O_NONBLOCK);
    size_t n = 0;
    ssize_t got;
    while ((got = read(reader, captured + n, CAPTURE_BYTES - n)) > 0)
        n += (size_t)got;
    captured[n] = '\0';
    return str_make(captured, n);
}

/* The one line that was written, without its time and line end. */
static struct str take_line(void)
{
    struct str s = take_output();
    assert_true(str_ends(s, STR("\n")));
    assert_int_equal(str_index(s, '\n'), s.n - 1);
    int64_t ns;
    assert_true(rfc3339_parse(str_sub(s, 0, RFC3339_BYTES - 1), &ns));
    assert_true(llabs(clock_real_ns() - ns) < 60 * NS_PER_S);
    assert_int_equal(s.p[RFC3339_BYTES - 1], ' ');
    return str_sub(s, RFC3339_BYTES, s.n - RFC3339_BYTES - 1);
}

static json_t *take_json_line(void)
{
    struct str s = take_output();
    assert_int_equal(str_index(s, '\n'), s.n - 1);
    json_error_t error;
    json_t *v = json_loadb(s.p, s.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!v)
        fail_msg("%s: %.*s", error.text, STR_ARG(s));
    return v;
}

static const char *field(const json_t *line, const char *key)
{
    const char *s = json_string_value(json_object_get(line, key));
    assert_non_null(s);
    return s;
}

static void a_text_line(void **state)
{
    (void)state;
    log_event(LOG_INFO, "http", "listening", LOG_I("port", 8080), LOG_C("host", "a b"));
    assert_lit(take_line(), "INFO http listening port=8080 host=\"a b\"");
    log_event(LOG_ERROR, "engine.pool", "no fields at all");
    assert_lit(take_line(), "ERROR engine.pool no fields at all");
    log_event(LOG_WARN, "http", "x", LOG_C("empty", ""), LOG_C("path", "/a?b"), LOG_I("n", -5));
    assert_lit(take_line(), "WARN http x empty=\"\" path=/a?b n=-5");
}

static void a_json_line(void **state)
{
    (void)state;
    assert_int_equal(log_configure(STR("debug"), LOG_JSON, NULL), OK);
    log_event(LOG_DEBUG, "http", "a \"message\"", LOG_I("status", 200),
              LOG_S("tenant", STR("x\n\xff")));
    json_t *line = take_json_line();
    int64_t ns;
    assert_true(rfc3339_parse(str_from(field(line, "time")), &ns));
    assert_string_equal(field(line, "level"), "debug");
    assert_string_equal(field(line, "module"), "http");
    assert_string_equal(field(line, "message"), "a \"message\"");
    assert_string_equal(field(line, "tenant"), "x\n\xef\xbf\xbd");
    assert_int_equal(json_integer_value(json_object_get(line, "status")), 200);
    assert_int_equal(json_object_size(line), 6);
    json_decref(line);
}

static void the_filter_decides(void **state)
{
    (void)state;
    log_event(LOG_DEBUG, "http", "x");
    assert_int_equal(take_output().n, 0);
    assert_int_equal(log_configure(STR("warn,http=debug"), LOG_TEXT, NULL), OK);
    assert_true(log_enabled("http", LOG_DEBUG));
    assert_false(log_enabled("http", LOG_TRACE));
    assert_true(log_enabled("engine", LOG_WARN));
    assert_false(log_enabled("engine", LOG_INFO));
    log_event(LOG_INFO, "engine", "x");
    log_event(LOG_DEBUG, "http", "y");
    assert_lit(take_line(), "DEBUG http y");
    assert_int_equal(log_configure(STR("off"), LOG_TEXT, NULL), OK);
    log_event(LOG_ERROR, "http", "x");
    assert_int_equal(take_output().n, 0);
    struct err e = ERR_INIT;
    assert_int_equal(log_configure(STR("http=loud"), LOG_JSON, &e), ERR_USAGE);
    assert_false(log_enabled("http", LOG_ERROR));
}

/* For every character there is: the line stays one line, in which the value's
 * own end cannot be faked and no control character is left. */
static void no_value_can_forge_a_line(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char value[] = {'a', (char)c, 'b', '\n', '2', '0'};
        log_event(LOG_INFO, "http", "x", LOG_S("v", str_make(value, sizeof value)),
                  LOG_C("last", "1"));
        struct str line = take_line();
        assert_true(str_starts(line, STR("INFO http x v=\"a")));
        assert_true(str_ends(line, STR("b\\n20\" last=1")));
        assert_true(utf8_valid(line));
        for (size_t i = 0; i < line.n; i++)
            assert_in_range((unsigned char)line.p[i], 0x20, 0x7e);
    }
    static const char *const forging[] = {"\xc2\x85",     "\xe2\x80\xa8", "\xe2\x80\xae",
                                          "\xe2\x81\xa6", "\xef\xbb\xbf", "\xe2\x80\x8f"};
    for (size_t i = 0; i < COUNT_OF(forging); i++) {
        log_event(LOG_INFO, "http", forging[i], LOG_C("v", forging[i]));
        struct str line = take_line();
        assert_int_equal(str_index(line, forging[i][0]), line.n);
    }
}

static void escapes_are_unambiguous(void **state)
{
    (void)state;
    log_event(LOG_INFO, "http", "two\nlines", LOG_C("a", "q\"b\\c\td"), LOG_C("b", "x=y"),
              LOG_C("c", "\xc3\xa4"), LOG_C("d", "\xff\x1b[1m"), LOG_C("e", "\xc2\x85"));
    assert_lit(take_line(), "INFO http two\\nlines a=\"q\\\"b\\\\c\\td\" b=\"x=y\" c=\"\xc3\xa4\" "
                            "d=\"\\xff\\u001b[1m\" e=\"\\u0085\"");
}

static void long_values_are_cut_between_characters(void **state)
{
    (void)state;
    static char value[5000];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(value, 'a', shift);
        for (size_t i = shift; i + 4 <= sizeof value; i += 4)
            memcpy(value + i, "\xf0\x9f\x8f\xa0", 4);
        log_event(LOG_INFO, "http", "x", LOG_S("v", str_make(value, sizeof value)), LOG_I("n", 1));
        struct str line = take_line();
        assert_true(utf8_valid(line));
        assert_int_equal(str_index(line, '\\'), line.n);
        assert_true(str_ends(line, STR("\" n=1")));
        assert_in_range(line.n, 1024, 1060);
    }
}

/* Fields that do not fit are counted; the line is still whole. */
static void a_line_has_at_most_4096_bytes(void **state)
{
    (void)state;
    static char value[1024];
    memset(value, 1, sizeof value);
    struct str s = str_make(value, sizeof value);
    log_event(LOG_INFO, "http", "x", LOG_S("a", s), LOG_C("b", "fits"), LOG_S("c", s));
    assert_lit(take_line(), "INFO http x b=fits cut=2");

    memset(value, 'v', sizeof value);
    assert_int_equal(log_configure(STR("info"), LOG_JSON, NULL), OK);
    log_event(LOG_INFO, "http", "x", LOG_S("a", s), LOG_S("b", s), LOG_S("c", s), LOG_S("d", s),
              LOG_I("e", 1));
    json_t *line = take_json_line();
    assert_int_equal(strlen(field(line, "c")), sizeof value);
    assert_null(json_object_get(line, "d"));
    assert_int_equal(json_integer_value(json_object_get(line, "e")), 1);
    assert_int_equal(json_integer_value(json_object_get(line, "cut")), 1);
    json_decref(line);
}

/* Every possible length near the bound, in both formats. */
static void lines_near_the_bound_are_whole(void **state)
{
    (void)state;
    static char value[1024];
    memset(value, 'v', sizeof value);
    struct str full = str_make(value, sizeof value);
    for (int json = 0; json < 2; json++) {
        assert_int_equal(log_configure(STR("info"), json ? LOG_JSON : LOG_TEXT, NULL), OK);
        for (size_t n = 700; n < sizeof value; n++) {
            log_event(LOG_INFO, "http", "x", LOG_S("a", full), LOG_S("b", full), LOG_S("c", full),
                      LOG_S("d", str_make(value, n)));
            struct str line = take_output();
            assert_in_range(line.n, 3072, 4096);
            assert_int_equal(str_index(line, '\n'), line.n - 1);
            assert_true(str_ends(line, json ? STR("}\n") : STR("\n")));
        }
    }
}

static int64_t dropped(void)
{
    struct buf b = BUF_INIT;
    metrics_print(&b);
    const char *line = strstr(buf_cstr(&b), "\nrowhouse_log_dropped_total ");
    assert_non_null(line);
    int64_t n = atoll(strchr(line, ' '));
    buf_free(&b);
    return n;
}

static void a_full_pipe_drops_and_recovers(void **state)
{
    (void)state;
    int64_t before = dropped(), start = clock_mono_ns();
    for (int i = 0; i < 10000; i++)
        log_event(LOG_INFO, "http", "a line that nobody reads", LOG_I("number", i));
    assert_true(clock_mono_ns() - start < 2 * NS_PER_S);
    int64_t lost = dropped() - before;
    assert_in_range(lost, 1, 9999);

    struct str out = take_output();
    int64_t lines = 0;
    for (size_t i = 0; i < out.n; i++)
        lines += out.p[i] == '\n';
    assert_int_equal(lines + lost, 10000);

    log_event(LOG_INFO, "http", "again");
    assert_lit(take_line(), "INFO http again");
    assert_int_equal(dropped(), before + lost);
}

static void a_closed_stderr_does_no_harm(void **state)
{
    (void)state;
    int64_t before = dropped();
    int keep = dup(reader);
    close(STDERR_FILENO);
    errno = 1234;
    log_event(LOG_INFO, "http", "to nobody");
    assert_int_equal(errno, 1234);
    assert_int_equal(dropped(), before + 1);

    int fds[2];
    assert_int_equal(pipe(fds), 0);
    dup2(fds[1], STDERR_FILENO);
    close(fds[1]);
    close(fds[0]);
    log_event(LOG_INFO, "http", "to a pipe without a reader");
    assert_int_equal(dropped(), before + 2);
    close(keep);
}

static void a_write_that_fails_is_counted(void **state)
{
    (void)state;
    static const char *const paths[] = {"/dev/null", "/dev/full"};
    for (int i = 0; i < 2; i++) {
        int64_t before = dropped();
        int fd = open(paths[i], i == 0 ? O_RDONLY : O_WRONLY);
        assert_true(fd >= 0);
        dup2(fd, STDERR_FILENO);
        close(fd);
        errno = 1234;
        log_event(LOG_INFO, "http", "not written");
        assert_int_equal(errno, 1234);
        assert_int_equal(dropped(), before + 1);
    }
}

enum { WRITERS = 4, LINES_EACH = 300 };

static void *write_lines(void *arg)
{
    char mark[600];
    memset(mark, 'a' + *(int *)arg, sizeof mark);
    for (int i = 0; i < LINES_EACH; i++)
        log_event(LOG_INFO, "http", "x", LOG_S("mark", str_make(mark, sizeof mark)));
    return NULL;
}

static void *drain(void *arg)
{
    struct buf *all = arg;
    char bytes[4096];
    ssize_t n;
    while ((n = read(reader, bytes, sizeof bytes)) > 0)
        buf_add(all, str_make(bytes, (size_t)n));
    return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
    (void)state;
    pthread_t threads[WRITERS], drainer;
    int numbers[WRITERS], lines = 0;
    int64_t before = dropped();
    struct buf all CLEANUP(buf_free) = BUF_INIT;
    pthread_create(&drainer, NULL, drain, &all);
    for (int i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, write_lines, &numbers[i]);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    close(STDERR_FILENO);
    pthread_join(drainer, NULL);

    struct str rest = buf_str(&all);
    while (rest.n) {
        struct str line = str_cut(&rest, '\n');
        const char *mark = memchr(line.p, '=', line.n);
        assert_non_null(mark);
        assert_int_equal(line.p + line.n - mark, 601);
        for (int i = 1; i <= 600; i++)
            assert_int_equal(mark[i], mark[1]);
        lines++;
    }
    assert_int_equal(lines + dropped() - before, WRITERS * LINES_EACH);
}

/* Threads race for the last room in the pipe while a reader makes a little at
 * a time and then stops. A line that were written without room would block its
 * thread for ever, and the alarm would end the test. */
static void a_full_pipe_blocks_no_thread(void **state)
{
    (void)state;
    alarm(60);
    fcntl(reader, F_SETFL, O_NONBLOCK);
    for (int round = 0; round < 10; round++) {
        pthread_t threads[WRITERS];
        int numbers[WRITERS];
        char bytes[4096];
        for (int i = 0; i < WRITERS; i++) {
            numbers[i] = i;
            pthread_create(&threads[i], NULL, write_lines, &numbers[i]);
        }
        for (int i = 0; i < 50 && read(reader, bytes, sizeof bytes); i++)
            usleep(100);
        for (int i = 0; i < WRITERS; i++)
            pthread_join(threads[i], NULL);
    }
    alarm(0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, capture_begin, capture_end)
    const struct CMUnitTest tests[] = {
        TEST(a_text_line),
        TEST(a_json_line),
        TEST(the_filter_decides),
        TEST(no_value_can_forge_a_line),
        TEST(escapes_are_unambiguous),
        TEST(long_values_are_cut_between_characters),
        TEST(a_line_has_at_most_4096_bytes),
        TEST(lines_near_the_bound_are_whole),
        TEST(a_full_pipe_drops_and_recovers),
        TEST(a_closed_stderr_does_no_harm),
        TEST(a_write_that_fails_is_counted),
        TEST(lines_of_threads_do_not_mix),
        TEST(a_full_pipe_blocks_no_thread),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
