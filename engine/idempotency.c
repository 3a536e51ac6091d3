/*
 * Answers stored under Idempotency-Keys, in the tenant's own database and in
 * the transaction of the write that they answer. Whatever is older than 24
 * hours does not count, and is removed a few at a time by later writes.
 * For the thread that runs the write.
 */
#include "engine/idempotency.h"

#include "engine_sql.h"

enum { PURGE_MAX = 20, HASH_BYTES = 32, STATUS_MAX = 999 };

static int64_t now_ms(void)
{
    return clock_real_ns() / NS_PER_MS;
}

int idempotency_find(struct write_tx *tx, struct str key, struct arena *arena,
                     struct idempotency_answer *ret, struct err *e)
{
    struct idempotency_get_args args = {.key = key, .now_ms = now_ms()};
    struct idempotency_get_row row;
    int rc = idempotency_get(&tx->reader, &args, arena, &row, e);
    if (rc)
        return rc;
    if (row.status < 0 || row.status > STATUS_MAX || row.request_hash.n != HASH_BYTES)
        return err_set(e, ERR_CORRUPT, "a stored answer is not one that was stored");
    *ret = (struct idempotency_answer){.status = (int)row.status,
                                       .headers = row.headers,
                                       .body = row.body,
                                       .request_hash = row.request_hash};
    return 0;
}

int idempotency_store(struct write_tx *tx, struct str key, const struct idempotency_answer *a,
                      struct err *e)
{
    int64_t now = now_ms();
    struct idempotency_put_args put = {.key = key,
                                       .expires_ms = now + IDEMPOTENCY_HOURS * INT64_C(3600000),
                                       .status = a->status,
                                       .headers = a->headers,
                                       .body = a->body,
                                       .request_hash = a->request_hash};
    struct idempotency_purge_args purge = {.now_ms = now, .bound = PURGE_MAX};
    int rc = idempotency_purge(tx, &purge, NULL, e);
    return rc ? rc : idempotency_put(tx, &put, NULL, e);
}
