-- name: note_get :one
-- param: id text
SELECT note.id, author.id FROM note JOIN author ON author.id = note.author_id
WHERE note.id = :id;
