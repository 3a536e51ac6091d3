-- name: note_get :one
-- param: id text
SELECT * FROM note WHERE id = :id;
