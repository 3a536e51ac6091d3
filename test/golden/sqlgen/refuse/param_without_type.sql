-- name: note_get :one
-- param: id
SELECT id, title FROM note WHERE id = :id;
