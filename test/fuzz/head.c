/*
 * Screening of heads. The first line is "METHOD target 0|1 [o][t]" (HTTP's
 * minor version; too many fields; torn), the others are "name: value". What
 * may pass is stated here again from RFC 9110 and RFC 9112: one Host, one
 * length, and no byte that another reader could take for an end.
 */
#include "http/head.h"

#include "fuzz.h"
#include "oracle.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

static bool all_of(struct str s, const char *set)
{
    for (size_t i = 0; i < s.n; i++)
        if (!s.p[i] || !strchr(set, s.p[i]))
            return false;
    return true;
}

static struct str tail(struct str s, size_t from)
{
    return from < s.n ? str_make(s.p + from, s.n - from) : STR("");
}

static size_t place_of(struct str s, const char *set)
{
    size_t i = 0;
    while (i < s.n && (!s.p[i] || !strchr(set, s.p[i])))
        i++;
    return i;
}

/* ":" and at most five digits, up to 65535; or nothing. */
static bool port_right(struct str s)
{
    unsigned value = 0;
    for (size_t i = 1; i < s.n && i <= 5; i++)
        value = value * 10 + (unsigned)(s.p[i] - '0');
    return s.n == 0 || (s.p[0] == ':' && s.n <= 6 && all_of(tail(s, 1), DIGITS) && value <= 65535);
}

static bool host_right(struct str s)
{
    bool bracket = s.n && s.p[0] == '[';
    size_t end = bracket ? place_of(s, "]") + 1 : place_of(s, ":");
    if (s.n == 0 || s.n > 255 || end > s.n)
        return false;
    struct str name = bracket ? str_make(s.p + 1, end - 2) : str_make(s.p, end);
    struct str port = tail(s, end);
    return name.n >= (bracket ? 2 : 1) &&
           all_of(name, bracket ? "0123456789abcdefABCDEF:." : LETTERS DIGITS "-._") &&
           port_right(port);
}

static size_t count_of(const struct head *h, const char *name, struct str *ret)
{
    size_t n = 0;
    *ret = STR("");
    for (size_t i = h->n_headers; i-- > 0;) {
        if (oracle_same_nocase(h->headers[i].name, str_from(name))) {
            *ret = h->headers[i].value;
            n++;
        }
    }
    return n;
}

static bool fields_right(const struct head *h)
{
    for (size_t i = 0; i < h->n_headers; i++) {
        struct str v = h->headers[i].value;
        if (!oracle_token(h->headers[i].name))
            return false;
        for (size_t k = 0; k < v.n; k++)
            if (((unsigned char)v.p[k] < 0x20 && v.p[k] != '\t') || v.p[k] == 0x7f)
                return false;
    }
    return !h->overflow && !h->torn;
}

/* The part behind the authority of an absolute target, "" for none. */
static bool target_right(const struct head *h, struct str host, struct str *ret_host,
                         struct str *ret_path)
{
    struct str t = h->target;
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] <= ' ' || t.p[i] >= 0x7f || strchr("\"<>#", t.p[i]))
            return false;
    size_t scheme = t.n > 7 && oracle_same_nocase(str_make(t.p, 7), STR("http://"))    ? 7
                    : t.n > 8 && oracle_same_nocase(str_make(t.p, 8), STR("https://")) ? 8
                                                                                       : 0;
    *ret_host = host;
    *ret_path = t;
    if (scheme) {
        struct str rest = tail(t, scheme);
        size_t end = place_of(rest, "/?");
        *ret_host = str_make(rest.p, end);
        *ret_path = tail(rest, end);
        return host_right(*ret_host) && (host.n == 0 || oracle_same_nocase(*ret_host, host));
    }
    return t.n <= HEAD_TARGET_MAX && t.n > 0 &&
           (t.p[0] == '/' || (str_eq(t, STR("*")) && str_eq(h->method, STR("OPTIONS"))));
}

static bool length_right(const struct head *h, uint64_t *ret)
{
    struct str length, coding;
    size_t lengths = count_of(h, "Content-Length", &length);
    size_t codings = count_of(h, "Transfer-Encoding", &coding);
    unsigned __int128 value = 0;
    if (lengths + codings > 1 || (codings && h->minor == 0) ||
        (codings && !oracle_same_nocase(coding, STR("chunked"))) ||
        (lengths && (length.n == 0 || !all_of(length, DIGITS))))
        return false;
    for (size_t i = 0; i < length.n && value <= INT64_MAX; i++)
        value = value * 10 + (unsigned)(length.p[i] - '0');
    *ret = (uint64_t)value;
    return value <= INT64_MAX;
}

static bool expect_right(const struct head *h)
{
    struct str expect;
    size_t n = count_of(h, "Expect", &expect);
    return h->minor == 0 || n == 0 || (n == 1 && oracle_same_nocase(expect, STR("100-continue")));
}

static void check_target(const struct screened *in, struct str host, struct str path)
{
    struct str whole = path.n && path.p[0] != '?' ? path : STR("/");
    size_t end = place_of(whole, "?");
    FUZZ_SAME(in->host, host);
    FUZZ_SAME(in->path, str_make(whole.p, end));
    if (path.n && path.p[0] == '?')
        FUZZ_SAME(in->query, tail(path, 1));
    else
        FUZZ_SAME(in->query, tail(whole, end + 1));
}

static void check_head(const struct head *h)
{
    struct screened in = {.length = 77};
    struct err e = ERR_INIT;
    struct str host, target_host = STR(""), path = STR("");
    uint64_t length = 0;
    int status = 0;
    size_t hosts = count_of(h, "Host", &host);
    bool host_fits = hosts == 1 ? host_right(host) : hosts == 0 && h->minor == 0;
    bool right = fields_right(h) && oracle_token(h->method) && h->target.n <= HEAD_TARGET_MAX &&
                 host_fits && target_right(h, host, &target_host, &path) &&
                 length_right(h, &length);
    int rc = screen_head(h, &in, &status, &e);
    FUZZ_CHECK((rc == 0) == (right && expect_right(h)));
    if (rc < 0) {
        FUZZ_CHECK(status == 400 || status == 414 || status == 417 || status == 431);
        FUZZ_CHECK(e.text[0] && fuzz_is_one_line(str_from(e.text)) && in.length == 77);
        FUZZ_CHECK((status == 417) == (right && !expect_right(h)));
        return;
    }
    struct str unused;
    check_target(&in, target_host, path);
    FUZZ_CHECK(in.has_length == (count_of(h, "Content-Length", &unused) == 1));
    FUZZ_CHECK(in.chunked == (count_of(h, "Transfer-Encoding", &unused) == 1));
    FUZZ_CHECK(in.length == length && !(in.chunked && in.length));
    if (in.method != HTTP_OTHER)
        FUZZ_SAME(h->method, str_from(http_method_name(in.method)));
}

static void read_first_line(struct str line, struct head *h)
{
    size_t end = place_of(line, " ");
    h->method = fuzz_own(str_make(line.p, end));
    struct str rest = tail(line, end + 1);
    end = place_of(rest, " ");
    h->target = fuzz_own(str_make(rest.p, end));
    rest = tail(rest, end + 1);
    h->minor = rest.n && rest.p[0] == '0' ? 0 : 1;
    h->overflow = rest.n && memchr(rest.p, 'o', rest.n);
    h->torn = rest.n && memchr(rest.p, 't', rest.n);
}

void fuzz_one(struct str in, struct arena *a)
{
    (void)a;
    static struct header fields[HEAD_HEADERS_MAX];
    struct head h = {.headers = fields};
    struct str rest = in;
    read_first_line(fuzz_line(&rest), &h);
    while (rest.n && h.n_headers < HEAD_HEADERS_MAX) {
        struct str line = fuzz_line(&rest);
        size_t colon = place_of(line, ":");
        fields[h.n_headers++] = (struct header){fuzz_own(str_make(line.p, colon)),
                                                fuzz_own(oracle_trim(tail(line, colon + 1)))};
    }
    check_head(&h);
}
