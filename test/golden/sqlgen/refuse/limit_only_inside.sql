-- name: note_of_author :many
-- param: author int
SELECT id, title FROM note
WHERE author_id IN (SELECT id FROM author WHERE id = :author LIMIT 1);
