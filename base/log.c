/*
 * Writing log lines to descriptor 2.
 *
 * A line is put together in 4,096 bytes on the stack, which is what one
 * write(2) to a pipe takes whole, and asks for no memory. Long values are cut;
 * a field that still does not fit is left out and counted in the field `cut`.
 *
 * Nobody waits for a stuck reader: poll(2) tells whether the descriptor takes
 * bytes, a line waits for that a few milliseconds once, and then lines are
 * dropped and counted until it does again. `log_lock` is held from the poll to
 * the write, so that a second thread cannot fill the pipe in between. Nobody
 * is to be killed by SIGPIPE either, which main ignores.
 */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log_filter.h"
#include "base/metrics.h"

enum {
    LINE_BYTES = 4096,
    LINE_TAIL_BYTES = 48, /* kept for `cut` and the line's end */
    VALUE_BYTES = 1024,   /* of a value before escaping */
    PATIENCE_MS = 20
};

METRIC_DEFINE(dropped_lines, METRIC_COUNTER, "rowhouse_log_dropped_total", NULL,
              "Log lines that stderr did not take.");

/* Written by log_configure() before other threads start. */
static struct log_filter filter = {.level = LOG_INFO, .highest = LOG_INFO};
static enum log_format format;

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static bool stuck; /* log_lock; the last line was dropped */

int log_configure(struct str filter_text, enum log_format new_format, struct err *e)
{
    int rc = log_filter_parse(filter_text, &filter, e);
    if (rc == OK)
        format = new_format;
    return rc;
}

bool log_enabled(const char *module, enum log_level level)
{
    if (level > filter.highest)
        return false;
    return filter.n_modules == 0 || level <= log_filter_level(&filter, str_from(module));
}

/* At most n bytes of s, cut between characters. */
static struct str cut_value(struct str s, size_t n)
{
    if (s.n <= n)
        return s;
    size_t back = 0;
    while (back < 3 && ((unsigned char)s.p[n - back] & 0xc0) == 0x80)
        back++;
    return str_make(s.p, n - back);
}

/* Characters that end or reorder a line for somebody who reads it: controls,
 * the line separators, and the direction marks of Unicode. */
static bool is_forging(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static void add_character(struct buf *b, struct str bytes, uint32_t c)
{
    unsigned char first = (unsigned char)bytes.p[0];
    if (c == 0xfffd && bytes.n == 1)
        buf_printf(b, "\\x%02x", first);
    else if (c == '\n')
        buf_lit(b, "\\n");
    else if (c == '\r')
        buf_lit(b, "\\r");
    else if (c == '\t')
        buf_lit(b, "\\t");
    else if (c == '"' || c == '\\')
        buf_add(b, str_make((char[]){'\\', (char)c}, 2));
    else if (is_forging(c))
        buf_printf(b, "\\u%04x", (unsigned)c);
    else
        buf_add(b, bytes);
}

static void add_escaped(struct buf *b, struct str s)
{
    for (size_t at = 0; at < s.n;) {
        size_t from = at;
        uint32_t c = utf8_next(s, &at);
        add_character(b, str_sub(s, from, at - from), c);
    }
}

/* True for what can stand without quotes: visible ASCII that has no meaning in
 * a line of fields. */
static bool is_bare(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '\\' || c == '=')
            return false;
    }
    return s.n > 0;
}

static void add_text_field(struct buf *b, const struct log_field *f)
{
    buf_char(b, ' ');
    buf_add(b, str_from(f->key));
    buf_char(b, '=');
    struct str value = cut_value(f->s, VALUE_BYTES);
    if (f->is_int) {
        buf_i64(b, f->i);
    } else if (is_bare(value)) {
        buf_add(b, value);
    } else {
        buf_char(b, '"');
        add_escaped(b, value);
        buf_char(b, '"');
    }
}

static void add_json_field(struct json *j, const struct log_field *f)
{
    json_key_(j, str_from(f->key));
    if (f->is_int)
        json_i64(j, f->i);
    else
        json_str(j, cut_value(f->s, VALUE_BYTES));
}

static const struct str level_names[] = {STR_INIT("off"),  STR_INIT("error"), STR_INIT("warn"),
                                         STR_INIT("info"), STR_INIT("debug"), STR_INIT("trace")};

static const struct str level_names_upper[] = {STR_INIT("OFF"),   STR_INIT("ERROR"),
                                               STR_INIT("WARN"),  STR_INIT("INFO"),
                                               STR_INIT("DEBUG"), STR_INIT("TRACE")};

/* What every line begins with. */
static void add_head(struct buf *b, struct json *j, enum log_level level, const char *module,
                     const char *message)
{
    char time[RFC3339_BYTES];
    struct str now = rfc3339_format(clock_real_ns(), time);
    struct str text = cut_value(str_from(message), VALUE_BYTES);
    if (format == LOG_JSON) {
        json_object_begin(j);
        json_key(j, "time");
        json_str(j, now);
        json_key(j, "level");
        json_str(j, level_names[level]);
        json_key(j, "module");
        json_str(j, str_from(module));
        json_key(j, "message");
        json_str(j, text);
        return;
    }
    buf_add(b, now);
    buf_char(b, ' ');
    buf_add(b, level_names_upper[level]);
    buf_char(b, ' ');
    buf_add(b, str_from(module));
    buf_char(b, ' ');
    add_escaped(b, text);
}

static void add_field(struct buf *b, struct json *j, const struct log_field *f)
{
    if (format == LOG_JSON)
        add_json_field(j, f);
    else
        add_text_field(b, f);
}

/* True where descriptor 2 takes a line now. */
static bool wait_writable(void)
{
    struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
    int n;
    do {
        n = poll(&fd, 1, stuck ? 0 : PATIENCE_MS);
    } while (n < 0 && errno == EINTR);
    return n > 0 && (fd.revents & (POLLERR | POLLNVAL)) == 0;
}

static bool write_line(struct str line)
{
    ssize_t n;
    do {
        n = write(STDERR_FILENO, line.p, line.n);
    } while (n < 0 && errno == EINTR);
    return n >= 0;
}

static void emit(struct str line)
{
    int errno_before = errno;
    pthread_mutex_lock(&log_lock);
    stuck = !wait_writable() || !write_line(line);
    if (stuck)
        metric_inc(&dropped_lines);
    pthread_mutex_unlock(&log_lock);
    errno = errno_before;
}

void log_write(enum log_level level, const char *module, const char *message,
               const struct log_field *fields, size_t n_fields)
{
    char bytes[LINE_BYTES];
    struct buf line = BUF_FIXED(bytes);
    struct json j = json_to(&line);
    line.cap -= LINE_TAIL_BYTES;
    add_head(&line, &j, level, module, message);

    int64_t n_cut = 0;
    for (size_t i = 0; i < n_fields; i++) {
        size_t before = line.n;
        add_field(&line, &j, &fields[i]);
        if (!buf_ok(&line)) {
            line.n = before;
            line.failed = false;
            n_cut++;
        }
    }

    line.cap = sizeof bytes;
    if (n_cut)
        add_field(&line, &j, &LOG_I("cut", n_cut));
    if (format == LOG_JSON)
        json_object_end(&j);
    buf_char(&line, '\n');
    emit(buf_str(&line));
}
