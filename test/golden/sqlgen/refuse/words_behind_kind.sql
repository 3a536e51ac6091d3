-- name: note_get :one please
SELECT id FROM note WHERE id = 'abc';
