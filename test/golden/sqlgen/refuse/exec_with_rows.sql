-- name: note_get :exec
-- param: id text
SELECT id FROM note WHERE id = :id;
