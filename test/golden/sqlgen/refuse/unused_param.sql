-- name: note_get :one
-- param: id text
-- param: author int
SELECT id, title FROM note WHERE id = :id;
