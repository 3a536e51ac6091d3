-- name: note_get :one
-- param: Id text
SELECT id, title FROM note
WHERE id = :id;
