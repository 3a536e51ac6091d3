-- All queries are checked before the run ends.

-- name: first :one
SELECT nothing FROM note WHERE id = 'abc';

-- name: second :one
SELECT id, title FROM note WHERE id = 'abc';

-- name: third :exec
DELETE FROM nowhere;
