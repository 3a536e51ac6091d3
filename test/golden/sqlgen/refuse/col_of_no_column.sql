-- name: note_get :one
-- param: id text
-- col: title text!
-- col: name text!
SELECT title FROM note WHERE id = :id;
