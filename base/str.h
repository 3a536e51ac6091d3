/*
 * Borrowed byte strings.
 *
 * A `struct str` points at bytes that somebody else owns and keeps alive; it
 * is not NUL-terminated and may contain any byte. A `struct optstr` is the
 * same or nothing (an SQL NULL): the two are distinct types, so a value that
 * may be missing cannot be passed where one must be present.
 *
 * Nothing here allocates. All functions are pure and may be called from any
 * thread.
 */
#ifndef ROWHOUSE_BASE_STR_H
#define ROWHOUSE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n; /* bytes */
};

struct optstr {
    const char *p; /* NULL: nothing */
    size_t n;
};

struct optint {
    bool some;
    int64_t v;
};

struct optreal {
    bool some;
    double v;
};

/* For printf: printf("%.*s", STR_ARG(s)). Cut at INT_MAX bytes. */
#define STR_ARG(s) ((s).n > 0x7fffffff ? 0x7fffffff : (int)(s).n), (s).p

/* A string literal, its length known at compile time. */
#define STR(lit) ((struct str){"" lit, sizeof(lit) - 1})
#define STR_INIT(lit)                                                                              \
    {                                                                                              \
        "" lit, sizeof(lit) - 1                                                                    \
    }

static inline struct str str_from(const char *nul_terminated)
{
    return (struct str){nul_terminated, strlen(nul_terminated)};
}

static inline struct str str_make(const char *p, size_t n)
{
    return (struct str){p, n};
}

static inline struct optstr optstr_some(struct str s)
{
    return (struct optstr){s.p ? s.p : "", s.n};
}

static inline struct optstr optstr_none(void)
{
    return (struct optstr){NULL, 0};
}

static inline bool optstr_is_some(struct optstr s)
{
    return s.p != NULL;
}

/* The value, or `otherwise` where there is none. */
static inline struct str optstr_or(struct optstr s, struct str otherwise)
{
    return s.p ? (struct str){s.p, s.n} : otherwise;
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Equal when ASCII letters are folded (HTTP field names, host names). */
bool str_eq_nocase(struct str a, struct str b);

/* <0, 0, >0 by bytes, a prefix before what it begins. */
int str_cmp(struct str a, struct str b);

bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* The index of the first `c`, or s.n. */
size_t str_index(struct str s, char c);

/* Without leading and trailing space and tab (HTTP's OWS). */
struct str str_trim(struct str s);

/*
 * Cuts the part before the first `sep` off `*rest` and returns it; `*rest`
 * becomes what follows. Without a `sep` all of it is returned and `*rest` is
 * {NULL, 0}; so `while (rest.p)` visits every part, empty ones included.
 */
struct str str_cut(struct str *rest, char sep);

/* A sub-string; `from` and `n` are clamped to the string. */
struct str str_sub(struct str s, size_t from, size_t n);

/* Parses a decimal number without sign, space or leading zeros ("0" itself is
 * allowed), at most `max`. False where it is anything else. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *ret);

/* True where the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no
 * overlong forms, at most U+10FFFF). */
bool utf8_valid(struct str s);

/* How many code points a valid UTF-8 string has. */
size_t utf8_length(struct str s);

size_t utf8_long_sequence_(const char *p, size_t n);

/* The length, 1 to 4, of the well-formed sequence that p[0..n) begins with; 0
 * where it begins with none. */
static inline size_t utf8_sequence(const char *p, size_t n)
{
    if (n == 0)
        return 0;
    unsigned char first = (unsigned char)p[0];
    if (first < 0x80)
        return 1;
    if (first < 0xe0)
        return first >= 0xc2 && n >= 2 && ((unsigned char)p[1] & 0xc0) == 0x80 ? 2 : 0;
    return utf8_long_sequence_(p, n);
}

/* Decodes the code point at s.p[*at], *at < s.n, and moves *at behind it. A
 * byte that begins no well-formed sequence is U+FFFD. */
uint32_t utf8_next(struct str s, size_t *at);

#endif
