-- What was applied to this database, of the engine and of the application.
CREATE TABLE rowhouse_migration (
    component TEXT NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    applied_at TEXT NOT NULL,
    PRIMARY KEY (component, version)
) STRICT, WITHOUT ROWID;

-- Answers to writes that came with an Idempotency-Key, for 24 hours.
CREATE TABLE rowhouse_idempotency (
    id INTEGER NOT NULL PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    expires_ms INTEGER NOT NULL, -- Unix time
    status INTEGER NOT NULL,
    headers BLOB NOT NULL,
    body BLOB NOT NULL,
    request_hash BLOB NOT NULL
) STRICT;

CREATE INDEX rowhouse_idempotency_expiry ON rowhouse_idempotency (expires_ms);
