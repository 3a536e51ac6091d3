-- name: note_get :one
SELECT id
-- param: id text
FROM note WHERE id = :id;
