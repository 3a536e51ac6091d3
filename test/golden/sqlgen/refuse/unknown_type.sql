-- name: note_get :one
-- param: id varchar?
SELECT id, title FROM note WHERE id = :id;
