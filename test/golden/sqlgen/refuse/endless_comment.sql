-- name: note_get :one
SELECT id /* the key FROM note WHERE id = 'abc';
