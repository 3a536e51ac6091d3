-- The answer that is stored under a key.
-- name: idempotency_get :one
-- param: key text
-- param: now_ms int
SELECT status, headers, body, request_hash
FROM rowhouse_idempotency
WHERE key = :key AND expires_ms > :now_ms;

-- Takes the place of an answer that has expired.
-- name: idempotency_put :exec
-- param: key text
-- param: expires_ms int
-- param: status int
-- param: headers blob
-- param: body blob
-- param: request_hash blob
INSERT INTO rowhouse_idempotency (key, expires_ms, status, headers, body, request_hash)
VALUES (:key, :expires_ms, :status, :headers, :body, :request_hash)
ON CONFLICT (key) DO UPDATE
SET expires_ms = excluded.expires_ms,
    status = excluded.status,
    headers = excluded.headers,
    body = excluded.body,
    request_hash = excluded.request_hash;

-- Removes the answers that expired first, a bounded number of them.
-- name: idempotency_purge :exec
-- param: now_ms int
-- param: bound int
DELETE FROM rowhouse_idempotency
WHERE id IN (SELECT id
             FROM rowhouse_idempotency
             WHERE expires_ms <= :now_ms
             ORDER BY expires_ms
             LIMIT :bound);
