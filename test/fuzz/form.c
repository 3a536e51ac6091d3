/*
 * Forms and queries: the first line is the name that is looked for, the second
 * the query, the rest is decoded and encoded.
 */
#include "http/form.h"

#include <stdlib.h>

#include "fuzz.h"
#include "http/exchange.h"
#include "oracle.h"

static void check_find(struct str encoded, struct str name, struct arena *a)
{
    struct buf want = BUF_INIT;
    struct str got = STR("untouched");
    struct err e = ERR_INIT;
    int right = oracle_form_find(encoded, name, &want);
    int rc = form_find(a, encoded, name, &got, &e);
    FUZZ_CHECK(rc == (right < 0 ? (int)ERR_MALFORMED : right));
    if (rc == 1)
        FUZZ_SAME(got, buf_str(&want));
    else
        FUZZ_SAME(got, STR("untouched"));
    if (rc < 0)
        FUZZ_CHECK(fuzz_is_one_line(str_from(e.text)));
    buf_free(&want);
}

static void check_limit(struct str query, struct arena *a)
{
    struct exchange ex = {.rq = {.arena = a, .query = query}};
    struct buf text = BUF_INIT;
    unsigned limit = 7;
    int found = oracle_form_find(query, STR("limit"), &text);
    long value = found == 1 ? strtol(buf_cstr(&text), NULL, 10) : 100;
    bool plain = found == 1 && text.n > 0 && text.n < 6 && text.p[0] != '0';
    for (size_t i = 0; i < text.n; i++)
        plain = plain && oracle_is_digit(text.p[i]);
    bool right = found == 0 || (plain && value >= 1 && value <= 1000);
    int rc = request_limit(&ex.rq, 100, 1000, &limit);
    FUZZ_CHECK(rc == (right ? 0 : ERR_MALFORMED));
    FUZZ_CHECK(limit == (right ? (unsigned)value : 7));
    buf_free(&text);
}

/* What is encoded has only unreserved bytes, and decodes to what it was. */
static void check_round_trip(struct str in, struct arena *a)
{
    struct buf encoded = BUF_INIT;
    struct str back;
    percent_encode(&encoded, in);
    for (size_t i = 0; i < encoded.n; i++)
        FUZZ_CHECK(encoded.p[i] > ' ' && encoded.p[i] < 0x7f &&
                   !strchr("\"<>#&+=?/", encoded.p[i]));
    bool text = oracle_utf8_valid(in) && (in.n == 0 || !memchr(in.p, '\0', in.n));
    int rc = percent_decode(a, fuzz_own(buf_str(&encoded)), true, &back, NULL);
    FUZZ_CHECK(rc == (text ? 0 : ERR_MALFORMED));
    if (text)
        FUZZ_SAME(back, in);
    buf_free(&encoded);
}

static void check_decode(struct str in, bool plus, struct arena *a)
{
    struct buf want = BUF_INIT;
    struct str got = STR("untouched");
    bool right = oracle_percent_decode(in, plus, &want);
    int rc = percent_decode(a, in, plus, &got, NULL);
    FUZZ_CHECK(rc == (right ? 0 : ERR_MALFORMED));
    FUZZ_SAME(got, right ? buf_str(&want) : STR("untouched"));
    buf_free(&want);
}

void fuzz_one(struct str in, struct arena *a)
{
    struct str rest = in, name = fuzz_line(&rest), query = fuzz_line(&rest);
    check_find(query, name, a);
    check_find(query, STR("limit"), a);
    check_limit(query, a);
    rest = fuzz_own(rest);
    check_decode(rest, true, a);
    check_decode(rest, false, a);
    check_round_trip(rest, a);
}
