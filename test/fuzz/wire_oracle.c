/*
 * See wire_oracle.h.
 */
#include "wire_oracle.h"

#include <stdio.h>
#include <stdlib.h>

#include "oracle.h"

/* A line without its end, LF or CRLF. False where there is no end yet. NULs in
 * front of the LF are passed over: the library writes NULs over line ends, and
 * how many there were cannot always be told afterwards. */
static bool take_line(struct str *rest, struct str *ret)
{
    const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    if (!end)
        return false;
    size_t n = (size_t)(end - rest->p);
    *ret = str_make(rest->p, n && end[-1] == '\r' ? n - 1 : n);
    while (ret->n > 1 && ret->p[ret->n - 1] == '\0')
        ret->n--;
    *rest = str_make(end + 1, rest->n - n - 1);
    return true;
}

static struct str until(struct str s, char c, struct str *ret_behind)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    size_t n = at ? (size_t)(at - s.p) : s.n;
    *ret_behind = at ? str_make(at + 1, s.n - n - 1) : STR("");
    return str_make(s.p, n);
}

static bool has_any(struct str s, const char *bytes, size_t n)
{
    for (size_t i = 0; i < s.n; i++)
        if (memchr(bytes, s.p[i], n))
            return true;
    return false;
}

static bool read_request_line(struct str line, struct wire_request *r)
{
    struct str rest;
    r->method = until(line, ' ', &rest);
    r->target = until(rest, ' ', &rest);
    bool version = rest.n == 8 && memcmp(rest.p, "HTTP/1.", 7) == 0 && oracle_is_digit(rest.p[7]);
    r->minor = version && rest.p[7] != '0';
    return version && oracle_token(r->method) && r->target.n > 0 &&
           !has_any(r->target, "\0\r\t\v\f", 5);
}

static bool read_field(struct str line, struct wire_request *r)
{
    struct wire_field f;
    if (line.p[0] == ' ' || line.p[0] == '\t' || !memchr(line.p, ':', line.n) ||
        has_any(line, "\0\r", 2) || r->n_fields == WIRE_FIELDS_MAX)
        return false;
    f.name = until(line, ':', &f.value);
    f.value = oracle_trim(f.value);
    r->fields[r->n_fields++] = f;
    return oracle_token(f.name);
}

size_t wire_find(const struct wire_request *r, const char *name, struct str *ret)
{
    size_t n = 0;
    *ret = STR("");
    for (size_t i = r->n_fields; i-- > 0;) {
        if (!oracle_same_nocase(r->fields[i].name, str_from(name)))
            continue;
        *ret = r->fields[i].value;
        n++;
    }
    return n;
}

static bool read_hex(struct str s, size_t *ret)
{
    char text[9] = {0};
    while (s.n > 1 && s.p[0] == '0')
        s = str_make(s.p + 1, s.n - 1);
    if (s.n == 0 || s.n > 8)
        return false;
    memcpy(text, s.p, s.n);
    for (size_t i = 0; i < s.n; i++)
        if (!text[i] || !strchr("0123456789abcdefABCDEF", text[i]))
            return false;
    *ret = (size_t)strtoul(text, NULL, 16);
    return true;
}

static enum wire_verdict read_trailer(struct str *rest)
{
    struct str line;
    do {
        if (!take_line(rest, &line))
            return WIRE_CUT;
        if (line.n && (has_any(line, "\0\r", 2) || !memchr(line.p, ':', line.n)))
            return WIRE_BAD_BODY;
    } while (line.n);
    return WIRE_WHOLE;
}

static enum wire_verdict read_chunks(struct str *rest, struct buf *body)
{
    for (;;) {
        struct str line, extension;
        size_t n;
        if (!take_line(rest, &line))
            return WIRE_CUT;
        if (has_any(line, "\0\r", 2) || !read_hex(oracle_trim(until(line, ';', &extension)), &n))
            return WIRE_BAD_BODY;
        if (n == 0)
            return read_trailer(rest);
        size_t there = n < rest->n ? n : rest->n;
        buf_add(body, str_make(rest->p, there));
        *rest = str_make(rest->p + there, rest->n - there);
        if (there < n || rest->n == 0 || (rest->n == 1 && rest->p[0] == '\r'))
            return WIRE_CUT;
        if (!take_line(rest, &line) || line.n)
            return WIRE_BAD_BODY;
    }
}

/* By the rules of RFC 9112, section 6.3; what is ambiguous is bad. */
static enum wire_verdict read_body(struct str *rest, struct wire_request *r)
{
    struct str length, coding;
    size_t lengths = wire_find(r, "Content-Length", &length);
    size_t codings = wire_find(r, "Transfer-Encoding", &coding);
    if (lengths + codings > 1)
        return WIRE_BAD_HEAD;
    if (codings)
        return oracle_same_nocase(coding, STR("chunked")) && r->minor ? read_chunks(rest, &r->body)
                                                                      : WIRE_BAD_HEAD;
    unsigned long long n = 0;
    for (size_t i = 0; i < length.n; i++) {
        if (!oracle_is_digit(length.p[i]))
            return WIRE_BAD_HEAD;
        n = n < 1ull << 40 ? n * 10 + (unsigned)(length.p[i] - '0') : n;
    }
    if (lengths && length.n == 0)
        return WIRE_BAD_HEAD;
    size_t there = n < rest->n ? (size_t)n : rest->n;
    buf_add(&r->body, str_make(rest->p, there));
    *rest = str_make(rest->p + there, rest->n - there);
    return there < n ? WIRE_CUT : WIRE_WHOLE;
}

static bool keeps_alive(const struct wire_request *r)
{
    bool keep = r->minor >= 1;
    for (size_t i = 0; i < r->n_fields; i++) {
        struct str rest = r->fields[i].value, option;
        while (oracle_same_nocase(r->fields[i].name, STR("Connection")) && rest.n) {
            option = oracle_trim(until(rest, ',', &rest));
            if (oracle_same_nocase(option, STR("close")))
                return false;
            keep = keep || oracle_same_nocase(option, STR("keep-alive"));
        }
    }
    return keep;
}

enum wire_verdict wire_read_request(struct str *rest, struct wire_request *ret)
{
    struct str line;
    ret->n_fields = 0;
    ret->body = (struct buf)BUF_INIT;
    do {
        if (rest->n == 0)
            return WIRE_NONE;
        if (!take_line(rest, &line))
            return WIRE_CUT;
    } while (line.n == 0);
    if (line.p[0] == '\0')
        return WIRE_HIDDEN;
    if (!read_request_line(line, ret))
        return WIRE_BAD_HEAD;
    for (;;) {
        if (!take_line(rest, &line))
            return WIRE_CUT;
        if (line.n == 0)
            break;
        if ((line.p[0] == '\0' || line.p[0] == ':') && line.n <= 3)
            return WIRE_HIDDEN;
        if (!read_field(line, ret))
            return WIRE_BAD_HEAD;
    }
    ret->keep_alive = keeps_alive(ret);
    return read_body(rest, ret);
}

bool wire_read_response(struct str *rest, bool to_head, struct wire_response *ret)
{
    struct str line, value;
    size_t length = 0;
    bool has_length = false;
    *ret = (struct wire_response){.type = STR("")};
    if (!take_line(rest, &line) || line.n < 12 || memcmp(line.p, "HTTP/1.", 7) != 0 ||
        sscanf(line.p + 9, "%3d", &ret->status) != 1)
        return false;
    for (;;) {
        if (!take_line(rest, &line))
            return false;
        if (line.n == 0)
            break;
        struct str name = until(line, ':', &value);
        value = oracle_trim(value);
        if (!oracle_token(name) || has_any(value, "\0\r", 2))
            return false;
        if (oracle_same_nocase(name, STR("Content-Type")))
            ret->type = value;
        if (oracle_same_nocase(name, STR("Content-Length"))) {
            if (has_length || sscanf(value.p, "%zu", &length) != 1)
                return false;
            has_length = true;
        }
    }
    bool none = to_head || ret->status / 100 == 1 || ret->status == 204 || ret->status == 304;
    if (none)
        length = 0;
    else if (!has_length)
        return false;
    if (length > rest->n)
        return false;
    ret->body = str_make(rest->p, length);
    *rest = str_make(rest->p + length, rest->n - length);
    return true;
}
