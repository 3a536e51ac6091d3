-- name: note_get :one
-- param: id text
SELECT id, title
FROM notes
WHERE id = :id;
