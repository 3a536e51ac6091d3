-- name: note_get :one
-- param: id text
SELECT id, title FROM note WHERE id = @id;
