/*
 * UTF-8 (RFC 3629). Only utf8_sequence() knows which byte sequences are well
 * formed, after the table in section 4: one and two bytes, which most text
 * has, inline in the header, longer ones here.
 */
#include "base/str.h"

static inline bool is_tail(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* The range of the second byte is what rules out overlong forms, surrogates
 * and everything above U+10FFFF. */
static bool second_ok(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xe0:
        return second >= 0xa0 && second <= 0xbf;
    case 0xed:
        return second >= 0x80 && second <= 0x9f;
    case 0xf0:
        return second >= 0x90 && second <= 0xbf;
    case 0xf4:
        return second >= 0x80 && second <= 0x8f;
    default:
        return is_tail(second);
    }
}

/* For first bytes from 0xe0. */
size_t utf8_long_sequence_(const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p;
    size_t need = u[0] < 0xf0 ? 3 : 4;
    if (u[0] > 0xf4 || n < need || !second_ok(u[0], u[1]) || !is_tail(u[2]))
        return 0;
    return need == 3 || is_tail(u[3]) ? need : 0;
}

/* Where ASCII ends, as far as whole words of eight tell. */
static size_t skip_ascii_words(struct str s, size_t at)
{
    uint64_t word;
    while (s.n - at >= sizeof word) {
        memcpy(&word, s.p + at, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
        at += sizeof word;
    }
    return at;
}

bool utf8_valid(struct str s)
{
    size_t at = 0;
    while ((at = skip_ascii_words(s, at)) < s.n) {
        size_t end = s.n - at < 8 ? s.n : at + 8;
        while (at < end) {
            size_t n = utf8_sequence(s.p + at, s.n - at);
            if (n == 0)
                return false;
            at += n;
        }
    }
    return true;
}

size_t utf8_length(struct str s)
{
    size_t length = 0;
    for (size_t i = 0; i < s.n; i++)
        length += !is_tail((unsigned char)s.p[i]);
    return length;
}

uint32_t utf8_next(struct str s, size_t *at)
{
    const unsigned char *u = (const unsigned char *)s.p + *at;
    size_t n = utf8_sequence(s.p + *at, s.n - *at);
    *at += n ? n : 1;
    switch (n) {
    case 1:
        return u[0];
    case 2:
        return (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
    case 3:
        return (u[0] & 0x0fu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
    case 4:
        return (u[0] & 0x07u) << 18 | (u[1] & 0x3fu) << 12 | (u[2] & 0x3fu) << 6 | (u[3] & 0x3fu);
    default:
        return 0xfffd;
    }
}
