-- name: note_of_author_all :one
SELECT id FROM note WHERE id = 'abc';

-- name: note_of_author :many
-- param: author int
SELECT id FROM note WHERE author_id = :author LIMIT 5;
