-- name: note-get :one
SELECT id FROM note WHERE id = 'abc';
