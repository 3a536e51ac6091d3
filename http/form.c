/*
 * Reading of percent-encoded text (RFC 3986, section 2.1; WHATWG URL,
 * section 5.1). Nothing is guessed: an encoding that is cut, bytes that are
 * not UTF-8 and U+0000 are errors.
 */
#include "http/form.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool needs_decoding(struct str in, bool plus)
{
    return in.n && (memchr(in.p, '%', in.n) || (plus && memchr(in.p, '+', in.n)));
}

/* Decodes into `to`, which has room for in.n bytes. Negative where an
 * encoding is cut or has other than hexadecimal digits. */
static ssize_t decode_into(char *to, struct str in, bool plus)
{
    size_t n = 0;
    for (size_t i = 0; i < in.n; i++) {
        if (in.p[i] != '%') {
            to[n++] = plus && in.p[i] == '+' ? ' ' : in.p[i];
            continue;
        }
        int high = i + 2 < in.n ? hex_value(in.p[i + 1]) : -1;
        int low = i + 2 < in.n ? hex_value(in.p[i + 2]) : -1;
        if (high < 0 || low < 0)
            return -1;
        to[n++] = (char)(high * 16 + low);
        i += 2;
    }
    return (ssize_t)n;
}

int percent_decode(struct arena *a, struct str in, bool plus, struct str *ret, struct err *e)
{
    struct str out = in;
    if (needs_decoding(in, plus)) {
        char *to = arena_alloc(a, in.n + 1);
        if (!to)
            return err_set(e, ERR_NOMEM, "Out of memory");
        ssize_t n = decode_into(to, in, plus);
        if (n < 0)
            return err_set(e, ERR_MALFORMED, "A percent sign is not followed by two hex digits");
        out = str_make(to, (size_t)n);
    }
    if (!utf8_valid(out) || (out.n && memchr(out.p, '\0', out.n)))
        return err_set(e, ERR_MALFORMED, "Percent-encoded text is not UTF-8, or has a NUL");
    *ret = out;
    return 0;
}

int form_find(struct arena *a, struct str encoded, struct str name, struct str *ret, struct err *e)
{
    struct str rest = encoded.n ? encoded : (struct str){NULL, 0}, found = {0};
    bool present = false;
    while (rest.p) {
        struct str value = str_cut(&rest, '&');
        struct str key = str_cut(&value, '='), decoded = {0};
        int rc = percent_decode(a, key, true, &decoded, e);
        if (rc < 0)
            return rc;
        if (!str_eq(decoded, name))
            continue;
        if (present)
            return err_set(e, ERR_MALFORMED, "`%.*s` is given twice", STR_ARG(name));
        rc = percent_decode(a, value.p ? value : STR(""), true, &found, e);
        if (rc < 0)
            return rc;
        present = true;
    }
    if (present)
        *ret = found;
    return present;
}

void percent_encode(struct buf *out, struct str s)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            buf_char(out, (char)c);
        } else {
            buf_char(out, '%');
            buf_char(out, digits[c >> 4]);
            buf_char(out, digits[c & 15]);
        }
    }
}
