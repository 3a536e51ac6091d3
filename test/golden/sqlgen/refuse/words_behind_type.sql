-- name: note_get :one
-- param: id text not null
SELECT id, title FROM note WHERE id = :id;
