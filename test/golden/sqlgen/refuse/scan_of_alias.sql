-- name: note_by_title :many
-- param: title text
SELECT a.name, n.title
FROM author AS a JOIN note AS n ON n.author_id = a.id
WHERE n.title = :title
LIMIT 10;
