-- name: note_get :one
-- param: id text
-- param: id int
SELECT id, title FROM note WHERE id = :id;
