-- About the file: not a doc comment of the first query.

-- One note.
-- Its text says "*/" and ends with a backslash \
-- name: note_get :one
-- param: id text
SELECT id, author_id, title, body, weight, score, stars, picture, digest
FROM note
WHERE id = :id;

-- name: note_of_author :many
-- More words.
-- param: author int
-- param: before text?
-- param: bound int
SELECT id, title -- what a list shows
FROM note
WHERE author_id = :author AND (:before IS NULL OR id < :before)
ORDER BY id DESC
LIMIT :bound;

-- name: note_insert :exec
-- param: id text
-- param: author int!
-- param: title text
-- param: body text?
-- param: weight real
-- param: score real?
-- param: stars int?
-- param: picture blob?
-- param: digest blob
INSERT INTO note (id, author_id, title, body, weight, score, stars, picture, digest)
VALUES (:id, :author, :title, :body, :weight, :score, :stars, :picture, :digest);

-- name: note_purge_all :exec
-- scan-ok: all rows go
DELETE FROM note;

-- name: author_add :one
-- param: name text
-- col: id int!
INSERT INTO author (name) VALUES (:name) RETURNING id;

-- name: note_take :many
-- param: author int
-- param: bound int
-- col: id text!
-- col: title text!
DELETE FROM note
WHERE id IN (SELECT id FROM note WHERE author_id = :author LIMIT :bound)
RETURNING id, title;

-- name: author_first :one
SELECT name FROM author WHERE id = 1;
