-- A page of items, */ newest first.
-- name: item_page :many
-- param: before text?
-- param: limit int
SELECT id, name, description AS "d" FROM items WHERE id < :before ORDER BY id DESC LIMIT :limit;

-- name: item_one :one
-- param: id text
-- col: n int!
SELECT name, (SELECT count(*) FROM log WHERE item = :id) AS n /* ; */ FROM items WHERE id = :id;
-- name: log_add :exec
-- param: item text?
-- param: size int
INSERT INTO log (item, size) VALUES (:item, :size);
