-- name: note_get :one
-- param: id text
SELECT extra FROM note WHERE id = :id;
