-- name: tenant_insert :exec
-- param: name text
-- param: now text
INSERT INTO tenant_info (id, name, created_at, last_activity)
VALUES (1, :name, :now, :now);

-- name: tenant_get :one
SELECT name, created_at, item_count, last_activity
FROM tenant_info
WHERE id = 1;

-- Belongs to every write of items: how many more or fewer there are now.
-- name: tenant_touch :exec
-- param: more int
-- param: now text
UPDATE tenant_info
SET item_count = item_count + :more, last_activity = :now
WHERE id = 1;

-- Belongs to every write of items, too.
-- name: activity_add :exec
-- param: day text
-- param: created int
-- param: updated int
-- param: deleted int
INSERT INTO activity (day, created, updated, deleted)
VALUES (:day, :created, :updated, :deleted)
ON CONFLICT (day) DO UPDATE
SET created = created + excluded.created,
    updated = updated + excluded.updated,
    deleted = deleted + excluded.deleted;

-- Days on which something happened, oldest first.
-- name: activity_since :many
-- param: day text
-- param: bound int
SELECT day, created, updated, deleted
FROM activity
WHERE day >= :day
ORDER BY day
LIMIT :bound;
