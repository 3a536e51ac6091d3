-- name: note_purge :exec
DELETE FROM note WHERE title = 'x';
