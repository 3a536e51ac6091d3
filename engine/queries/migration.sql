-- What was applied to this database.
-- name: migration_applied :many
-- param: bound int
-- scan-ok: one row a migration, bounded by what the program knows
SELECT component, version, name, hash
FROM rowhouse_migration
ORDER BY component, version
LIMIT :bound;

-- name: migration_note :exec
-- param: component text
-- param: version int
-- param: name text
-- param: hash text
-- param: applied_at text
INSERT INTO rowhouse_migration (component, version, name, hash, applied_at)
VALUES (:component, :version, :name, :hash, :applied_at);
