-- name: note_purge :many
-- param: author int
-- col: id text!
DELETE FROM note WHERE author_id = :author RETURNING id;
