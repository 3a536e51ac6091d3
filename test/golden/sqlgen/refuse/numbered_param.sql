-- name: note_get :one
SELECT id, title FROM note WHERE id = ?1;
