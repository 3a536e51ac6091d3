-- name: note_get :one
-- param: id text
SELECT id, upper(title) title FROM note WHERE id = :id;
