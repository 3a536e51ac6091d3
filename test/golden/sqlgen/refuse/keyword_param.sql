-- name: note_get :one
-- param: register text
SELECT id, title FROM note WHERE id = :register;
