-- name: note_delete :exec
-- param: id text
DELETE FROM note WHERE id = :id;

DELETE FROM author WHERE id = 1;
