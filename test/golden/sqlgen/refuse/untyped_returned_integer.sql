-- SQLite 3.40.1 would return n as a real, because the table begins with one.

-- name: measure_add :one
-- param: at real
-- param: n int
INSERT INTO measure (at, n) VALUES (:at, :n) RETURNING at, n;
