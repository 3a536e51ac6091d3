-- name: note_by_title :many
-- param: title text
SELECT id, title
FROM note
WHERE title = :title
LIMIT 10;
