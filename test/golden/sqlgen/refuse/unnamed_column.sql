-- name: note_count :one
-- param: author int
SELECT author_id, COUNT(*) FROM note WHERE author_id = :author;
