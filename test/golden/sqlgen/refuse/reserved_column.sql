-- name: note_get :one
-- param: id text
SELECT id, title AS "double" FROM note WHERE id = :id;
