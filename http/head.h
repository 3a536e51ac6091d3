/*
 * The head of a request as it came from the wire, and its screening.
 *
 * What may be wrong with a head is decided here, before anything else sees
 * it: the library below accepts much that RFC 9112 refuses, and a request that
 * two readers understand in two ways is how requests are smuggled. Pure; any
 * thread.
 */
#ifndef ROWHOUSE_HTTP_HEAD_H
#define ROWHOUSE_HTTP_HEAD_H

#include "http/http.h"

enum { HEAD_HEADERS_MAX = 500, HEAD_TARGET_MAX = 8192, HEAD_BYTES_MAX = 32 << 10 };

/* All strings are borrowed from whoever filled it. */
struct head {
    struct str method;
    struct str target; /* as sent */
    unsigned minor;    /* of HTTP/1.x */
    struct header *headers;
    size_t n_headers;
    bool overflow;  /* there were more headers than were kept */
    bool too_large; /* more bytes, or more cookies, than are taken */
    bool torn;      /* bytes between the fields that no field accounts for:
                       a NUL, or a folded line */
};

struct screened {
    enum http_method method;
    struct str path;  /* raw, "/..." or "*" */
    struct str query; /* raw, without '?' */
    struct str host;  /* of the target in absolute form, else of Host; "" for none */
    bool chunked;
    bool has_length;
    uint64_t length; /* of Content-Length */
    bool expects_continue;
    bool keep_alive;
};

/* Checks the head and takes it apart. 0, or ERR_MALFORMED and the like with
 * the status to answer in *ret_status (400, 414, 417, 431). */
int screen_head(const struct head *h, struct screened *ret, int *ret_status, struct err *e);

/* The value of the only header of that name, trimmed. *ret_count tells how many
 * there are; the value is the first one's. */
struct optstr head_find(const struct head *h, struct str name, size_t *ret_count);

/* The next header of that name from index *at on, which moves behind it. */
struct optstr head_next(const struct head *h, struct str name, size_t *at);

/* True for a token of RFC 9110, section 5.6.2 (not empty). */
bool head_is_token(struct str s);

enum http_method http_method_parse(struct str s);
const char *http_method_name(enum http_method m);

#endif
