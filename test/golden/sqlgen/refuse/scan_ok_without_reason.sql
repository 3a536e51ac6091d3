-- name: note_purge :exec
-- scan-ok:
DELETE FROM note WHERE stars = 0;
