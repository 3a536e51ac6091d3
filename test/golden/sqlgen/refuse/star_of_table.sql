-- name: note_get :one
-- param: id text
SELECT n.id, n.* FROM note AS n WHERE n.id = :id;
