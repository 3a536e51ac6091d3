-- name: add :one
-- param: item text?
-- param: size int
-- col: twice int?
INSERT INTO log (item, size) VALUES (:item, :size) RETURNING id, size * 2 AS twice;
