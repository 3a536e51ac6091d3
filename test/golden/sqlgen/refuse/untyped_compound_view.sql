-- name: name_page :many
-- scan-ok: a test
SELECT name FROM names LIMIT 10;
