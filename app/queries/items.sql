-- Newest first, from below the id `before`.
-- name: item_page :many
-- param: before text
-- param: bound int
SELECT id, name, description, created_at, updated_at
FROM items
WHERE id < :before
ORDER BY id DESC
LIMIT :bound;

-- name: item_get :one
-- param: id text
SELECT id, name, description, created_at, updated_at
FROM items
WHERE id = :id;

-- name: item_newest :one
-- scan-ok: reads one row, the last of the primary key
SELECT id
FROM items
ORDER BY id DESC
LIMIT 1;

-- name: item_insert :exec
-- param: id text
-- param: name text
-- param: description text?
-- param: now text
INSERT INTO items (id, name, description, created_at, updated_at)
VALUES (:id, :name, :description, :now, :now);

-- name: item_update :exec
-- param: id text
-- param: name text
-- param: description text?
-- param: now text
UPDATE items
SET name = :name, description = :description, updated_at = :now
WHERE id = :id;

-- name: item_delete :exec
-- param: id text
DELETE FROM items
WHERE id = :id;
