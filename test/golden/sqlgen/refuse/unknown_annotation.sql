-- name: note_get :one
-- parm: id text
SELECT id FROM note WHERE id = 'abc';
