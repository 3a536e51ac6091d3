/*
 * Screening of request heads, by RFC 9110 and RFC 9112.
 *
 * Where the two leave a choice, the stricter one is taken: a target in
 * absolute form whose authority is not the Host field is refused (a tenant's
 * name hangs on the host), as is any Transfer-Encoding other than one
 * `chunked`, and any byte in a target that belongs percent-encoded.
 */
#include "http/head.h"

static const char *const method_names[] = {
    [HTTP_GET] = "GET",         [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
    [HTTP_PATCH] = "PATCH",     [HTTP_PUT] = "PUT",     [HTTP_DELETE] = "DELETE",
    [HTTP_OPTIONS] = "OPTIONS", [HTTP_OTHER] = "OTHER",
};

const char *http_method_name(enum http_method m)
{
    return method_names[m];
}

enum http_method http_method_parse(struct str s)
{
    for (int m = HTTP_GET; m < HTTP_OTHER; m++)
        if (str_eq(s, str_from(method_names[m])))
            return (enum http_method)m;
    return HTTP_OTHER;
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool head_is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && (!s.p[i] || !strchr("!#$%&'*+-.^_`|~", s.p[i])))
            return false;
    return s.n > 0;
}

struct optstr head_next(const struct head *h, struct str name, size_t *at)
{
    while (*at < h->n_headers) {
        const struct header *f = &h->headers[(*at)++];
        if (str_eq_nocase(f->name, name))
            return optstr_some(f->value);
    }
    return optstr_none();
}

struct optstr head_find(const struct head *h, struct str name, size_t *ret_count)
{
    struct optstr first = optstr_none();
    size_t count = 0;
    for (size_t i = 0; i < h->n_headers; i++) {
        if (!str_eq_nocase(h->headers[i].name, name))
            continue;
        if (count++ == 0)
            first = optstr_some(h->headers[i].value);
    }
    if (ret_count)
        *ret_count = count;
    return first;
}

/* Field values: no control characters but the tab; bytes above ASCII are
 * opaque (RFC 9110, section 5.5). */
static bool value_ok(struct str v)
{
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static int check_fields(const struct head *h, int *ret_status, struct err *e)
{
    if (h->too_large) {
        *ret_status = 431;
        return err_set(e, ERR_TOO_LARGE, "The header has too many bytes, fields or cookies");
    }
    if (h->overflow) {
        *ret_status = 431;
        return err_set(e, ERR_TOO_LARGE, "More than %d header fields", (int)HEAD_HEADERS_MAX);
    }
    if (h->torn)
        return err_set(e, ERR_MALFORMED,
                       "The header has a NUL byte, a folded line or more than one space");
    for (size_t i = 0; i < h->n_headers; i++) {
        if (!head_is_token(h->headers[i].name))
            return err_set(e, ERR_MALFORMED, "The name of a header field is not a token");
        if (!value_ok(h->headers[i].value))
            return err_set(e, ERR_MALFORMED, "The header field %.*s has a control character",
                           STR_ARG(h->headers[i].name));
    }
    return 0;
}

/* One of the bytes that may stand in a target: visible ASCII without those
 * that every client percent-encodes. */
static bool target_ok(struct str t)
{
    for (size_t i = 0; i < t.n; i++) {
        unsigned char c = (unsigned char)t.p[i];
        if (c <= 0x20 || c >= 0x7f || strchr("\"<>#", c))
            return false;
    }
    return t.n > 0;
}

/* A port: nothing, or a number up to 65535. */
static bool port_ok(struct str s)
{
    uint64_t port = 0;
    while (s.n > 1 && s.n <= 5 && s.p[0] == '0')
        s = str_sub(s, 1, s.n);
    return s.n == 0 || str_to_u64(s, UINT16_MAX, &port);
}

static bool ipv6_literal_ok(struct str s)
{
    size_t end = str_index(s, ']');
    if (end == s.n || end < 3)
        return false;
    for (size_t i = 1; i < end; i++) {
        char c = s.p[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (!hex && c != ':' && c != '.')
            return false;
    }
    struct str rest = str_sub(s, end + 1, s.n);
    return rest.n == 0 || (rest.p[0] == ':' && port_ok(str_sub(rest, 1, rest.n)));
}

/* Host = uri-host [ ":" port ], names of letters, digits, '-', '.' and '_'. */
static bool host_ok(struct str s)
{
    if (s.n == 0 || s.n > 255)
        return false;
    if (s.p[0] == '[')
        return ipv6_literal_ok(s);
    size_t colon = str_index(s, ':');
    for (size_t i = 0; i < colon; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '.' && s.p[i] != '_')
            return false;
    return colon > 0 && (colon == s.n || port_ok(str_sub(s, colon + 1, s.n)));
}

static int check_host(const struct head *h, struct screened *ret, struct err *e)
{
    size_t count;
    struct optstr host = head_find(h, STR("Host"), &count);
    if (count > 1)
        return err_set(e, ERR_MALFORMED, "More than one Host field");
    if (count == 0 && h->minor >= 1)
        return err_set(e, ERR_MALFORMED, "The Host field is missing");
    ret->host = optstr_or(host, STR(""));
    if (count == 1 && !host_ok(ret->host))
        return err_set(e, ERR_MALFORMED, "The Host field is not a host name with an optional port");
    return 0;
}

/* The part behind "http://", or nothing where the target is in another form. */
static struct optstr absolute_form(struct str t)
{
    static const struct str scheme = STR_INIT("http://"), tls = STR_INIT("https://");
    if (t.n > scheme.n && str_eq_nocase(str_sub(t, 0, scheme.n), scheme))
        return optstr_some(str_sub(t, scheme.n, t.n));
    if (t.n > tls.n && str_eq_nocase(str_sub(t, 0, tls.n), tls))
        return optstr_some(str_sub(t, tls.n, t.n));
    return optstr_none();
}

static int split_target(const struct head *h, struct screened *ret, struct err *e)
{
    struct str t = h->target;
    struct optstr absolute = absolute_form(t);
    if (optstr_is_some(absolute)) {
        struct str rest = optstr_or(absolute, t);
        size_t end = str_index(rest, '/'), query = str_index(rest, '?');
        end = query < end ? query : end;
        struct str authority = str_sub(rest, 0, end);
        if (!host_ok(authority) || (ret->host.n && !str_eq_nocase(authority, ret->host)))
            return err_set(e, ERR_MALFORMED, "The target's host is not the one of the Host field");
        ret->host = authority;
        t = str_sub(rest, end, rest.n);
        if (t.n == 0 || t.p[0] == '?') {
            ret->path = STR("/");
            ret->query = str_sub(t, 1, t.n);
            return 0;
        }
    }
    bool star = str_eq(t, STR("*")) && ret->method == HTTP_OPTIONS;
    if (!star && (t.n == 0 || t.p[0] != '/'))
        return err_set(e, ERR_MALFORMED, "The target is not a path");
    size_t query = str_index(t, '?');
    ret->path = str_sub(t, 0, query);
    ret->query = str_sub(t, query + 1, t.n);
    return 0;
}

static int check_length(const struct head *h, struct screened *ret, struct err *e)
{
    size_t lengths, codings;
    struct optstr length = head_find(h, STR("Content-Length"), &lengths);
    struct optstr coding = head_find(h, STR("Transfer-Encoding"), &codings);
    if (codings > 0 && lengths > 0)
        return err_set(e, ERR_MALFORMED, "Both Content-Length and Transfer-Encoding");
    if (codings > 1 || (codings == 1 && !str_eq_nocase(optstr_or(coding, STR("")), STR("chunked"))))
        return err_set(e, ERR_MALFORMED, "The only Transfer-Encoding known here is chunked");
    if (codings == 1 && h->minor == 0)
        return err_set(e, ERR_MALFORMED, "HTTP/1.0 knows no Transfer-Encoding");
    if (lengths > 1)
        return err_set(e, ERR_MALFORMED, "More than one Content-Length field");
    struct str digits = optstr_or(length, STR("0"));
    while (digits.n > 1 && digits.p[0] == '0')
        digits = str_sub(digits, 1, digits.n);
    if (!str_to_u64(digits, INT64_MAX, &ret->length))
        return err_set(e, ERR_MALFORMED, "Content-Length is not a decimal number");
    ret->chunked = codings == 1;
    ret->has_length = lengths == 1;
    return 0;
}

static int check_expect(const struct head *h, struct screened *ret, int *ret_status, struct err *e)
{
    size_t count;
    struct str expect = optstr_or(head_find(h, STR("Expect"), &count), STR(""));
    if (count == 0 || h->minor == 0)
        return 0;
    if (count > 1 || !str_eq_nocase(expect, STR("100-continue"))) {
        *ret_status = 417;
        return err_set(e, ERR_MALFORMED, "The only expectation known here is 100-continue");
    }
    ret->expects_continue = true;
    return 0;
}

static bool wants_keep_alive(const struct head *h)
{
    bool keep = h->minor >= 1;
    size_t at = 0;
    for (struct optstr v; optstr_is_some(v = head_next(h, STR("Connection"), &at));) {
        struct str rest = optstr_or(v, STR(""));
        while (rest.p) {
            struct str option = str_trim(str_cut(&rest, ','));
            if (str_eq_nocase(option, STR("close")))
                return false;
            keep = keep || str_eq_nocase(option, STR("keep-alive"));
        }
    }
    return keep;
}

int screen_head(const struct head *h, struct screened *ret, int *ret_status, struct err *e)
{
    struct screened out = {.method = http_method_parse(h->method)};
    *ret_status = 400;
    int rc = 0;
    if (h->target.n > HEAD_TARGET_MAX) {
        *ret_status = 414;
        rc = err_set(e, ERR_TOO_LARGE, "The target is longer than %d bytes", (int)HEAD_TARGET_MAX);
    }
    if (rc == 0)
        rc = check_fields(h, ret_status, e);
    if (rc == 0 && !head_is_token(h->method))
        rc = err_set(e, ERR_MALFORMED, "The method is not a token");
    if (rc == 0 && !target_ok(h->target))
        rc = err_set(e, ERR_MALFORMED, "The target has bytes that must be percent-encoded");
    if (rc == 0)
        rc = check_host(h, &out, e);
    if (rc == 0)
        rc = split_target(h, &out, e);
    if (rc == 0)
        rc = check_length(h, &out, e);
    if (rc == 0)
        rc = check_expect(h, &out, ret_status, e);
    out.keep_alive = rc == 0 && wants_keep_alive(h);
    if (rc == 0)
        *ret = out;
    return rc;
}
