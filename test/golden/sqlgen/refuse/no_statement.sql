-- name: note_delete :exec
-- param: id text

-- name: author_delete :exec
-- param: id int
DELETE FROM author WHERE id = :id;
