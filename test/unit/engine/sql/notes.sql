-- The queries of test_sql.c.

-- name: author_add :one
-- param: name text
-- col: id int!
INSERT INTO author (name) VALUES (:name) RETURNING id;

-- name: author_count :one
-- scan-ok: it counts
-- col: n int!
SELECT COUNT(*) AS n FROM author;

-- name: author_purge :exec
DELETE FROM author;

-- name: note_insert :exec
-- param: id text
-- param: author int
-- param: title text
-- param: body text?
-- param: weight real
-- param: score real?
-- param: stars int?
-- param: digest blob
-- param: picture blob?
INSERT INTO note (id, author_id, title, body, weight, score, stars, digest, picture)
VALUES (:id, :author, :title, :body, :weight, :score, :stars, :digest, :picture);

-- name: note_get :one
-- param: id text
SELECT id, author_id, title, body, weight, score, stars, digest, picture
FROM note
WHERE id = :id;

-- name: note_page :many
-- param: before text
-- param: bound int
SELECT id, title, body FROM note WHERE id < :before ORDER BY id DESC LIMIT :bound;

-- name: note_move :one
-- Returns the row before it is known whether the author exists.
-- param: id text
-- param: author int
-- col: title text!
-- col: weight real!
UPDATE note SET author_id = :author WHERE id = :id RETURNING title, weight;

-- name: note_take :many
-- param: before text
-- param: bound int
-- col: id text!
DELETE FROM note
WHERE id IN (SELECT id FROM note WHERE id < :before ORDER BY id LIMIT :bound)
RETURNING id;

-- name: note_retitle :exec
-- param: title text
-- scan-ok: all are changed
UPDATE note SET title = :title;

-- name: note_weight :one
-- What is wrong here shows only when it runs.
-- scan-ok: it sums
-- col: weight int!
SELECT sum(weight) AS weight FROM note;
