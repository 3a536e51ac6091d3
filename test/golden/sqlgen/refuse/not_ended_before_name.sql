-- name: note_delete :exec
-- param: id text
DELETE FROM note WHERE id = :id

-- name: author_delete :exec
-- param: id int
DELETE FROM author WHERE id = :id;
