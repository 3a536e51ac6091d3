/*
 * JSON bodies: what request_json() takes is what a plain reader of RFC 8259,
 * written here, takes with the contract's further rules (no duplicate names,
 * no lone surrogate, no U+0000, no number out of range, 64 levels).
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "fuzz.h"
#include "http/exchange.h"
#include "oracle.h"

enum { LEVELS_MAX = 64 };

struct reading {
    struct str s;
    size_t at;
    struct arena *a;
};

static bool read_value(struct reading *r, int level);

static int peek(const struct reading *r)
{
    return r->at < r->s.n ? (unsigned char)r->s.p[r->at] : -1;
}

static void skip_space(struct reading *r)
{
    while (peek(r) > 0 && strchr(" \t\r\n", peek(r)))
        r->at++;
}

static bool take(struct reading *r, char c)
{
    if (peek(r) != c)
        return false;
    r->at++;
    return true;
}

static bool take_word(struct reading *r, const char *word)
{
    while (*word && take(r, *word))
        word++;
    return !*word;
}

static bool read_hex(struct reading *r, uint32_t *ret)
{
    *ret = 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef";
        int c = peek(r);
        const char *at = c > 0 ? strchr(digits, c | 0x20) : NULL;
        if (!at || c < '0')
            return false;
        *ret = *ret * 16 + (uint32_t)(at - digits);
        r->at++;
    }
    return true;
}

static bool read_escape(struct reading *r, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    uint32_t c, low;
    if (!take(r, 'u')) {
        int letter = peek(r);
        const char *at = letter > 0 ? strchr(from, letter) : NULL;
        if (!at)
            return false;
        r->at++;
        buf_char(out, to[at - from]);
        return true;
    }
    if (!read_hex(r, &c) || c == 0 || (c >= 0xdc00 && c < 0xe000))
        return false;
    if (c >= 0xd800 && c < 0xdc00) {
        if (!take_word(r, "\\u") || !read_hex(r, &low) || low < 0xdc00 || low >= 0xe000)
            return false;
        c = 0x10000 + (c - 0xd800) * 0x400 + (low - 0xdc00);
    }
    oracle_utf8_add(out, c);
    return true;
}

static bool read_string(struct reading *r, struct str *ret)
{
    struct buf out = BUF_INIT;
    bool good = take(r, '"');
    while (good && peek(r) != '"') {
        if (take(r, '\\')) {
            good = read_escape(r, &out);
        } else {
            int32_t c = r->at < r->s.n ? oracle_utf8_next(r->s, &r->at) : -1;
            good = c >= 0x20;
            if (good)
                oracle_utf8_add(&out, (uint32_t)c);
        }
    }
    *ret = arena_copy(r->a, buf_str(&out));
    buf_free(&out);
    return good && take(r, '"');
}

static bool take_digits(struct reading *r)
{
    size_t from = r->at;
    while (peek(r) >= '0' && peek(r) <= '9')
        r->at++;
    return r->at > from;
}

static bool read_number(struct reading *r)
{
    size_t from = r->at;
    bool whole = true;
    take(r, '-');
    if (!take(r, '0') && !take_digits(r))
        return false;
    if (take(r, '.')) {
        whole = false;
        if (!take_digits(r))
            return false;
    }
    if (take(r, 'e') || take(r, 'E')) {
        whole = false;
        if (!take(r, '+'))
            take(r, '-');
        if (!take_digits(r))
            return false;
    }
    const char *text = fuzz_cstr(r->a, str_make(r->s.p + from, r->at - from));
    errno = 0;
    if (!whole)
        return isfinite(strtod(text, NULL));
    long long value = strtoll(text, NULL, 10);
    return errno == 0 || (value != LLONG_MIN && value != LLONG_MAX);
}

static bool read_array(struct reading *r, int level)
{
    skip_space(r);
    if (take(r, ']'))
        return true;
    do {
        if (!read_value(r, level))
            return false;
    } while (take(r, ','));
    return take(r, ']');
}

static bool read_object(struct reading *r, int level)
{
    struct str *names = arena_alloc(r->a, 64 * sizeof *names);
    size_t n = 0, room = 64;
    skip_space(r);
    if (take(r, '}'))
        return true;
    do {
        if (n == room) {
            struct str *more = arena_alloc(r->a, 2 * room * sizeof *names);
            memcpy(more, names, n * sizeof *names);
            names = more;
            room *= 2;
        }
        skip_space(r);
        if (!read_string(r, &names[n]))
            return false;
        for (size_t i = 0; i < n; i++)
            if (names[i].n == names[n].n && memcmp(names[i].p, names[n].p, names[n].n) == 0)
                return false;
        n++;
        skip_space(r);
        if (!take(r, ':') || !read_value(r, level))
            return false;
    } while (take(r, ','));
    return take(r, '}');
}

/* A value with the space around it, `level` brackets deep. */
static bool read_value(struct reading *r, int level)
{
    struct str text;
    bool good;
    skip_space(r);
    int c = peek(r);
    if (c == '[' || c == '{') {
        r->at++;
        good = level < LEVELS_MAX && (c == '[' ? read_array : read_object)(r, level + 1);
    } else if (c == '"') {
        good = read_string(r, &text);
    } else if (c == 't' || c == 'f' || c == 'n') {
        good = take_word(r, c == 't' ? "true" : c == 'f' ? "false" : "null");
    } else {
        good = read_number(r);
    }
    skip_space(r);
    return good;
}

void fuzz_one(struct str in, struct arena *a)
{
    struct exchange ex = {.rq = {.arena = a, .body = in}};
    struct reading r = {.s = in, .a = a};
    json_t *j = NULL, *same = NULL;
    bool right = read_value(&r, 0) && r.at == in.n;
    int rc = request_json(&ex.rq, &j);
    FUZZ_CHECK((rc == 0) == right);
    if (rc == 0) {
        FUZZ_CHECK(request_json(&ex.rq, &same) == 0 && same == j);
    } else {
        FUZZ_CHECK(rc == ERR_MALFORMED && !ex.json);
        FUZZ_CHECK(ex.rq.err.code == ERR_MALFORMED && ex.rq.err.text[0]);
    }
    json_decref(ex.json);
}
