-- name: note_get :one
SELECT id FROM note WHERE id = 'abc';

-- name: note_get :one
SELECT title FROM note WHERE id = 'abc';
