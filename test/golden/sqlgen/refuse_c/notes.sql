-- name: note_get :one
-- param: id text
SELECT id, title, body, stars FROM note WHERE id = :id;

-- name: note_rename :exec
-- param: id text
-- param: title text
UPDATE note SET title = :title WHERE id = :id;
