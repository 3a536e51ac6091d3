-- name: note_get :one
-- param: id text
-- col: title int
SELECT title FROM note WHERE id = :id;
