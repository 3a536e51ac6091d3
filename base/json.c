/*
 * The JSON writer. Strings are most of the work, so they are scanned in words
 * of eight bytes for the few bytes that cannot be copied as they are.
 */
#include "base/json.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void before_value(struct json *j)
{
    if (j->comma)
        buf_char(j->b, ',');
    j->comma = true;
}

static void begin(struct json *j, char c)
{
    before_value(j);
    buf_char(j->b, c);
    j->comma = false;
}

static void end(struct json *j, char c)
{
    buf_char(j->b, c);
    j->comma = true;
}

void json_object_begin(struct json *j)
{
    begin(j, '{');
}

void json_object_end(struct json *j)
{
    end(j, '}');
}

void json_array_begin(struct json *j)
{
    begin(j, '[');
}

void json_array_end(struct json *j)
{
    end(j, ']');
}

void json_key_(struct json *j, struct str key)
{
    before_value(j);
    buf_char(j->b, '"');
    buf_add(j->b, key);
    buf_lit(j->b, "\":");
    j->comma = false;
}

#define EVERY_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* Not zero where a byte of the word is below 0x20, '"', '\\' or not ASCII.
 * With the high bits all clear, `x - n` borrows into a byte's high bit just
 * where that byte is below n; bytes above a true hit may be false hits. */
static inline uint64_t special_bytes(uint64_t word)
{
    uint64_t control = word - EVERY_BYTE(0x20);
    uint64_t quote = (word ^ EVERY_BYTE('"')) - EVERY_BYTE(1);
    uint64_t backslash = (word ^ EVERY_BYTE('\\')) - EVERY_BYTE(1);
    return (control | quote | backslash | word) & EVERY_BYTE(0x80);
}

static inline bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Eight bytes, the first in the lowest byte. */
static inline uint64_t load_word(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return le64toh(word);
}

/* Which byte of a word the lowest hit is. */
static inline size_t first_hit(uint64_t hits)
{
    return (size_t)__builtin_ctzll(hits) / 8;
}

/* The next byte from `at` that is not plain, or s.n. The last bytes are taken
 * as the end of a whole word, too, where the string has one. */
static size_t skip_plain(struct str s, size_t at)
{
    for (; s.n - at >= 8; at += 8) {
        uint64_t hits = special_bytes(load_word(s.p + at));
        if (hits)
            return at + first_hit(hits);
    }
    size_t left = s.n - at;
    if (left && s.n >= 8) {
        uint64_t rest = load_word(s.p + s.n - 8) >> 8 * (8 - left);
        uint64_t hits = special_bytes(rest | EVERY_BYTE(' ') << 8 * left);
        return hits ? at + first_hit(hits) : s.n;
    }
    while (at < s.n && is_plain((unsigned char)s.p[at]))
        at++;
    return at;
}

/* The end of the run of well-formed characters beyond ASCII at `at`. */
static size_t skip_wide(struct str s, size_t at)
{
    size_t n = 1;
    while (n && at < s.n && (unsigned char)s.p[at] >= 0x80) {
        n = utf8_sequence(s.p + at, s.n - at);
        at += n;
    }
    return at;
}

static void add_escaped(struct buf *b, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char names[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    if (c == '"' || c == '\\')
        buf_add(b, str_make((char[]){'\\', (char)c}, 2));
    else if (names[c])
        buf_add(b, str_make((char[]){'\\', names[c]}, 2));
    else
        buf_add(b, str_make((char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6));
}

/* Adds s with escapes; a byte outside UTF-8 becomes U+FFFD. */
static void add_string(struct buf *b, struct str s)
{
    size_t copied = 0, at = 0;
    while ((at = skip_plain(s, at)) < s.n) {
        size_t wide_end = skip_wide(s, at);
        if (wide_end > at) {
            at = wide_end;
            continue;
        }
        unsigned char c = (unsigned char)s.p[at];
        buf_add(b, str_sub(s, copied, at - copied));
        if (c < 0x80)
            add_escaped(b, c);
        else
            buf_lit(b, "\xef\xbf\xbd");
        copied = ++at;
    }
    buf_add(b, str_sub(s, copied, s.n - copied));
}

void json_str(struct json *j, struct str s)
{
    before_value(j);
    if (s.n > SIZE_MAX - 2 || !buf_reserve(j->b, s.n + 2)) {
        j->b->failed = true;
        return;
    }
    buf_char(j->b, '"');
    add_string(j->b, s);
    buf_char(j->b, '"');
}

void json_optstr(struct json *j, struct optstr s)
{
    if (optstr_is_some(s))
        json_str(j, str_make(s.p, s.n));
    else
        json_none(j);
}

void json_i64(struct json *j, int64_t v)
{
    before_value(j);
    buf_i64(j->b, v);
}

void json_u64(struct json *j, uint64_t v)
{
    before_value(j);
    buf_u64(j->b, v);
}

/* The shortest of the forms that read back as the same number. */
void json_double(struct json *j, double v)
{
    if (!isfinite(v)) {
        json_none(j);
        return;
    }
    before_value(j);
    char text[32];
    int n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    buf_add(j->b, str_make(text, (size_t)n));
}

void json_bool(struct json *j, bool v)
{
    json_raw(j, v ? STR("true") : STR("false"));
}

void json_none(struct json *j)
{
    json_raw(j, STR("null"));
}

void json_raw(struct json *j, struct str s)
{
    before_value(j);
    buf_add(j->b, s);
}
