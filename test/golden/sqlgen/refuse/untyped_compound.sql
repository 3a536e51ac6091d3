-- name: key_page :many
-- param: id text
-- param: author int
SELECT id AS k FROM note WHERE id = :id
UNION ALL
SELECT id FROM author WHERE id = :author
LIMIT 2;
