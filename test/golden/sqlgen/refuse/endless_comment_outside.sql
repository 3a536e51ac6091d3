/* about this file
-- name: note_get :one
SELECT id FROM note WHERE id = 'abc';
