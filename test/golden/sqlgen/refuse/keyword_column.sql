-- name: note_get :one
-- param: id text
SELECT title AS register FROM note WHERE id = :id;
