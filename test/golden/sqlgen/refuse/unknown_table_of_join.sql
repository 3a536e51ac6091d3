-- name: note_get :one
-- param: id text
SELECT note.id, note.title
FROM note JOIN main.writer ON writer.id = note.author_id
WHERE note.id = :id;
