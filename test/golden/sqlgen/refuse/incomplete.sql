-- name: note_get :one
SELECT id FROM note WHERE;
