-- name: note_get :one
-- param: id text
SELECT id FROM (SELECT DISTINCT * FROM note WHERE id = :id);
