-- name: pair :one
-- param: n int
WITH x (n) AS (SELECT :n) VALUES (1, 2);
