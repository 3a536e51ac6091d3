-- name: note_purge :exec
-- scan-ok: all of them are to go
-- scan-ok: really
DELETE FROM note WHERE stars = 0;
