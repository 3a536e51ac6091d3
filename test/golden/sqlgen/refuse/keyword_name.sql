-- name: switch :one
SELECT id FROM note WHERE id = 'abc';
