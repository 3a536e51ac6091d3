-- name: note_delete :many
-- param: id text
DELETE FROM note WHERE id = :id;
