-- name: note_count :one
-- param: author int
SELECT author_id,
       COUNT(*) AS n
FROM note WHERE author_id = :author;
