-- name: note_delete :one
-- param: id text
DELETE FROM note WHERE id = :id RETURNING *;
