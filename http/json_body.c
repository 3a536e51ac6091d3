/*
 * Reading a JSON body with jansson, strictly: no duplicate keys, only valid
 * UTF-8, no lone surrogates, no U+0000, no number out of range. Nesting is
 * bounded before the parser recurses.
 */
#include <jansson.h>

#include "http/exchange.h"

enum { NESTING_MAX = 64 };

/* How deep brackets nest outside of strings. What is not JSON is counted
 * somehow; the parser will refuse it. */
static size_t nesting(struct str s)
{
    size_t depth = 0, deepest = 0;
    bool quoted = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            deepest = ++depth > deepest ? depth : deepest;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return deepest;
}

int request_json(struct request *rq, json_t **ret)
{
    struct exchange *ex = exchange_of(rq);
    json_error_t error;
    if (ex->json) {
        *ret = ex->json;
        return 0;
    }
    if (rq->body.n && memchr(rq->body.p, '\0', rq->body.n))
        return request_fail(rq, ERR_MALFORMED, "The JSON has a NUL byte");
    if (nesting(rq->body) > NESTING_MAX)
        return request_fail(rq, ERR_MALFORMED, "The JSON nests deeper than %d", (int)NESTING_MAX);
    ex->json = json_loadb(rq->body.p, rq->body.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!ex->json)
        return request_fail(rq, ERR_MALFORMED, "The JSON cannot be read: line %d, column %d: %s",
                            error.line, error.column, error.text);
    *ret = ex->json;
    return 0;
}
