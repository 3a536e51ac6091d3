-- name: note_get :one
-- param: id text
-- col: title text
SELECT initcap(title) AS title FROM note WHERE id = :id;
