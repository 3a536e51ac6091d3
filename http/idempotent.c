/*
 * Idempotency keys (the draft of the IETF's httpapi group gives the statuses).
 *
 * Only the answer to a write that was committed is kept: it is stored in the
 * write's own transaction. A write that failed may be tried again with the
 * same key.
 */
#include "http/idempotent.h"

#include <sodium.h>

#include "engine/idempotency.h"
#include "http/exchange.h"

void idempotent_table_init(struct idempotent_table *t)
{
    memset(t, 0, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    randombytes_buf(t->seed, sizeof t->seed);
}

int idempotent_read(const struct head *h, struct idempotent *ret, struct err *e)
{
    size_t count;
    struct str key = optstr_or(head_find(h, STR("Idempotency-Key"), &count), STR(""));
    if (count == 0)
        return 0;
    bool ok = count == 1 && key.n > 0 && key.n <= IDEMPOTENCY_KEY_MAX;
    for (size_t i = 0; ok && i < key.n; i++)
        ok = key.p[i] > 0x20 && key.p[i] < 0x7f;
    if (!ok)
        return err_set(e, ERR_MALFORMED,
                       "Idempotency-Key must be given once, with 1 to %d visible "
                       "ASCII characters",
                       (int)IDEMPOTENCY_KEY_MAX);
    ret->key = key;
    return 0;
}

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

void idempotent_hash(struct exchange *ex)
{
    const struct request *rq = &ex->rq;
    const char kind = (char)rq->content;
    struct str parts[2 + COUNT_OF(rq->params)] = {rq->body, {&kind, 1}};
    /* Which item, but not which way the tenant was named: a key is its own. */
    for (size_t i = 0; i < COUNT_OF(rq->params); i++) {
        bool names_tenant = (int)i == ex->pattern->tenant_param;
        parts[2 + i] = names_tenant ? STR("") : rq->params[i];
    }
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof ex->idem.hash);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        uint64_t n = parts[i].n;
        crypto_generichash_update(&state, (const unsigned char *)&n, sizeof n);
        crypto_generichash_update(&state, (const unsigned char *)parts[i].p, parts[i].n);
    }
    crypto_generichash_final(&state, ex->idem.hash, sizeof ex->idem.hash);
}

static size_t slot_of(const struct idempotent_table *t, const struct idempotent *i)
{
    uint64_t key, tenant;
    crypto_shorthash((unsigned char *)&key, (const unsigned char *)i->key.p, i->key.n, t->seed);
    crypto_shorthash((unsigned char *)&tenant, (const unsigned char *)i->tenant.s, i->tenant.n,
                     t->seed);
    return (key ^ tenant) % IDEMPOTENT_SLOTS;
}

bool idempotent_hold(struct idempotent_table *t, struct idempotent *i,
                     const struct tenant_name *tenant)
{
    i->tenant = *tenant;
    size_t slot = slot_of(t, i);
    bool free_to_take = true;
    pthread_mutex_lock(&t->lock);
    for (const struct idempotent *o = t->slots[slot]; o && free_to_take; o = o->next)
        free_to_take = !str_eq(o->key, i->key) ||
                       !str_eq(tenant_name_str(&o->tenant), tenant_name_str(tenant));
    if (free_to_take) {
        i->next = t->slots[slot];
        t->slots[slot] = i;
        i->held = true;
    }
    pthread_mutex_unlock(&t->lock);
    return free_to_take;
}

void idempotent_release(struct idempotent_table *t, struct idempotent *i)
{
    size_t slot = slot_of(t, i);
    pthread_mutex_lock(&t->lock);
    struct idempotent **link = &t->slots[slot];
    while (*link && *link != i)
        link = &(*link)->next;
    if (*link)
        *link = i->next;
    i->held = false;
    pthread_mutex_unlock(&t->lock);
}

static void print_line(struct buf *out, struct str name, struct str value)
{
    buf_add(out, name);
    buf_lit(out, ": ");
    buf_add(out, value);
    buf_char(out, '\n');
}

int idempotent_keep(struct exchange *ex, struct write_tx *tx)
{
    struct request *rq = &ex->rq;
    struct buf headers = BUF_INIT;
    for (unsigned i = 0; i < rq->n_headers; i++)
        print_line(&headers, rq->headers[i].name, rq->headers[i].value);
    if (rq->etag.n)
        print_line(&headers, STR("ETag"), rq->etag);
    if (rq->out_type)
        print_line(&headers, STR("Content-Type"), str_from(rq->out_type));
    const struct idempotency_answer answer = {
        .status = rq->status ? rq->status : rq->route->success,
        .headers = buf_str(&headers),
        .body = buf_str(&rq->out),
        .request_hash = str_make((const char *)ex->idem.hash, sizeof ex->idem.hash),
    };
    int rc = buf_ok(&headers) ? idempotency_store(tx, ex->idem.key, &answer, &rq->err)
                              : request_fail(rq, ERR_NOMEM, "Out of memory");
    buf_free(&headers);
    return rc;
}

/* Puts the stored headers back. They were written by idempotent_keep(). */
static void restore_headers(struct request *rq, struct str lines)
{
    struct str rest = lines.n ? lines : (struct str){NULL, 0};
    while (rest.p && rest.n) {
        struct str line = str_cut(&rest, '\n');
        struct str name = str_cut(&line, ':'), value = str_trim(line.p ? line : STR(""));
        struct str name_copy = arena_copy(rq->arena, name);
        if (!name_copy.p)
            rq->out.failed = true;
        else if (str_eq_nocase(name, STR("ETag")))
            rq->etag = arena_copy(rq->arena, value);
        else if (str_eq_nocase(name, STR("Content-Type")))
            rq->out_type = arena_copy(rq->arena, value).p;
        else
            response_header(rq, name_copy.p, value);
    }
}

int idempotent_replay(struct exchange *ex, struct write_tx *tx)
{
    struct request *rq = &ex->rq;
    struct idempotency_answer stored = {0};
    int rc = idempotency_find(tx, ex->idem.key, rq->arena, &stored, &rq->err);
    if (rc == ERR_NOT_FOUND) {
        rq->err = (struct err)ERR_INIT;
        return 0;
    }
    if (rc < 0)
        return rc;
    if (stored.request_hash.n != sizeof ex->idem.hash ||
        sodium_memcmp(stored.request_hash.p, ex->idem.hash, sizeof ex->idem.hash) != 0)
        return exchange_refuse(ex, 422, "idempotency-key-reused",
                               "This Idempotency-Key was used for another request");
    rq->n_headers = 0;
    restore_headers(rq, stored.headers);
    rq->status = stored.status;
    buf_add(&rq->out, stored.body);
    ex->idem.replayed = true;
    return buf_ok(&rq->out) ? 1 : request_fail(rq, ERR_NOMEM, "Out of memory");
}
