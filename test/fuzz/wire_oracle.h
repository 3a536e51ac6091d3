/*
 * A plain and strict reader of HTTP/1.x messages (RFC 9112), for the target
 * that feeds bytes to the server: what the server acts on, this must read in
 * the same way.
 */
#ifndef ROWHOUSE_TEST_FUZZ_WIRE_ORACLE_H
#define ROWHOUSE_TEST_FUZZ_WIRE_ORACLE_H

#include "base/buf.h"

enum { WIRE_FIELDS_MAX = 1024 };

enum wire_verdict {
    WIRE_WHOLE,    /* a request with its body */
    WIRE_CUT,      /* the bytes end in the middle of it; what there is, is right */
    WIRE_NONE,     /* nothing begins here */
    WIRE_BAD_BODY, /* the head is right, the chunks are not */
    WIRE_BAD_HEAD,
    WIRE_HIDDEN /* the first line begins with a NUL, or a short one of the head with a NUL
                   or a colon: the library takes it for an empty one */
};

struct wire_request {
    struct str method, target;
    unsigned minor;
    struct wire_field {
        struct str name, value;
    } fields[WIRE_FIELDS_MAX];
    size_t n_fields;
    struct buf body; /* owned; free it */
    bool keep_alive;
};

/* Reads one request off *rest. The strings are borrowed from *rest. */
enum wire_verdict wire_read_request(struct str *rest, struct wire_request *ret);

/* How many fields have the name, and the first one's value. */
size_t wire_find(const struct wire_request *r, const char *name, struct str *ret);

/* Reads one response off *rest; `to_head`: it answers a HEAD request. False
 * where it is not whole or not well-formed. */
struct wire_response {
    int status;
    struct str type, body;
};
bool wire_read_response(struct str *rest, bool to_head, struct wire_response *ret);

#endif
