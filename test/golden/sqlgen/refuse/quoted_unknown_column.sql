-- name: note_get :one
-- param: id text
SELECT id, "titel" FROM note WHERE id = :id;
