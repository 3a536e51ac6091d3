-- name: note_get :one
-- param: id text
SELECT id FORM note WHERE id = :id;
