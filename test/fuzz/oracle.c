/*
 * See oracle.h.
 */
#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>

static bool one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

static char lower(char c)
{
    static const char from[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", to[] = "abcdefghijklmnopqrstuvwxyz";
    const char *at = c ? strchr(from, c) : NULL;
    return at ? to[at - from] : c;
}

/* After the regular expression of the contract. */
bool oracle_tenant_name(struct str in, char folded[64])
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char *const taken[] = {"-pos", "-lock", "-journal", "-wal", "-shm"};
    char name[64] = {0};
    if (in.n < 1 || in.n > 63)
        return false;
    for (size_t i = 0; i < in.n; i++) {
        name[i] = lower(in.p[i]);
        if (!one_of(name[i], first) && (i == 0 || !one_of(name[i], "_-")))
            return false;
    }
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        const char *at = strstr(name, taken[i]);
        while (at && strstr(at + 1, taken[i]))
            at = strstr(at + 1, taken[i]);
        if (at && strcmp(at, taken[i]) == 0)
            return false;
    }
    memcpy(folded, name, sizeof name);
    return true;
}

/* By counting leading ones, and checking the value afterwards. */
int32_t oracle_utf8_next(struct str s, size_t *at)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = (uint8_t)s.p[(*at)++];
    if (first < 0x80)
        return first;
    size_t n = first >= 0xf8 ? 0 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
    if (n == 0 || *at + n - 1 > s.n)
        return -1;
    uint32_t value = first & (0xffu >> (n + 1));
    for (size_t i = 0; i < n - 1; i++) {
        uint8_t c = (uint8_t)s.p[*at + i];
        if (c < 0x80 || c > 0xbf)
            return -1;
        value = value * 64 + (c - 0x80u);
    }
    if (value < least[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return -1;
    *at += n - 1;
    return (int32_t)value;
}

bool oracle_utf8_valid(struct str s)
{
    for (size_t at = 0; at < s.n;)
        if (oracle_utf8_next(s, &at) < 0)
            return false;
    return true;
}

void oracle_utf8_add(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_char(out, (char)c);
        return;
    }
    if (c < 0x800) {
        buf_char(out, (char)(0xc0 + c / 64));
    } else if (c < 0x10000) {
        buf_char(out, (char)(0xe0 + c / 4096));
        buf_char(out, (char)(0x80 + c / 64 % 64));
    } else {
        buf_char(out, (char)(0xf0 + c / 262144));
        buf_char(out, (char)(0x80 + c / 4096 % 64));
        buf_char(out, (char)(0x80 + c / 64 % 64));
    }
    buf_char(out, (char)(0x80 + c % 64));
}

bool oracle_percent_decode(struct str in, bool plus, struct buf *out)
{
    size_t begin = out->n;
    for (size_t i = 0; i < in.n; i++) {
        if (in.p[i] == '%') {
            if (in.n - i < 3 || !one_of(in.p[i + 1], "0123456789abcdefABCDEF") ||
                !one_of(in.p[i + 2], "0123456789abcdefABCDEF"))
                return false;
            char hex[3] = {in.p[i + 1], in.p[i + 2], 0};
            buf_char(out, (char)strtol(hex, NULL, 16));
            i += 2;
        } else {
            buf_char(out, plus && in.p[i] == '+' ? ' ' : in.p[i]);
        }
    }
    struct str all = str_sub(buf_str(out), begin, out->n);
    return all.n == 0 || (!memchr(all.p, 0, all.n) && oracle_utf8_valid(all));
}

int oracle_form_find(struct str encoded, struct str name, struct buf *value)
{
    struct buf key = BUF_INIT;
    int found = 0;
    size_t from = 0;
    for (size_t i = 0; encoded.n && found >= 0 && i <= encoded.n; i++) {
        if (i < encoded.n && encoded.p[i] != '&')
            continue;
        struct str pair = str_make(encoded.p + from, i - from);
        const char *equals = pair.n ? memchr(pair.p, '=', pair.n) : NULL;
        size_t n = equals ? (size_t)(equals - pair.p) : pair.n;
        from = i + 1;
        buf_reset(&key);
        if (!oracle_percent_decode(str_make(pair.p, n), true, &key)) {
            found = -1;
        } else if (key.n == name.n && (name.n == 0 || memcmp(key.p, name.p, name.n) == 0)) {
            struct str text = equals ? str_make(equals + 1, pair.n - n - 1) : STR("");
            found = found == 0 && oracle_percent_decode(text, true, value) ? 1 : -1;
        }
    }
    buf_free(&key);
    return found;
}

bool oracle_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || one_of(s.p[i], "\"(),/:;<=>?@[\\]{}"))
            return false;
    return s.n > 0;
}

struct str oracle_trim(struct str s)
{
    while (s.n && one_of(s.p[0], " \t"))
        s = str_make(s.p + 1, s.n - 1);
    while (s.n && one_of(s.p[s.n - 1], " \t"))
        s.n--;
    return s;
}

bool oracle_is_digit(char c)
{
    return one_of(c, "0123456789");
}

bool oracle_same_nocase(struct str a, struct str b)
{
    for (size_t i = 0; i < a.n && i < b.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return a.n == b.n;
}
