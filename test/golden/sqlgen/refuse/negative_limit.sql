-- name: note_of_author :many
-- param: author int
SELECT id, title FROM note WHERE author_id = :author LIMIT -1;
