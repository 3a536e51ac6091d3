-- name: note_newest :one
SELECT id FROM note ORDER BY id DESC LIMIT 1;
