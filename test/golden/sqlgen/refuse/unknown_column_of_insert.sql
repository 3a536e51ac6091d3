-- name: author_insert :exec
-- param: name text
INSERT INTO author (nme)
VALUES (:name);
