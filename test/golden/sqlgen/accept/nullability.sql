-- Each part of the rule, once holding and once not.

-- name: plain :one
SELECT id, title, body FROM note WHERE id = 'x';

-- name: row_id :one
SELECT id, name FROM author WHERE id = 1;

-- name: inner_join :one
SELECT note.title, author.name, author.email
FROM note JOIN author ON author.id = note.author_id
WHERE note.id = 'x';

-- name: left_join :one
SELECT author.id, note.title
FROM author LEFT JOIN note ON note.author_id = author.id
WHERE author.id = 1;

-- name: two_selects :one
SELECT title FROM note WHERE author_id = (SELECT id FROM author WHERE name = 'x');

-- name: view :one
SELECT title FROM titles WHERE id = 'x';

-- name: cte :one
WITH t AS (SELECT title FROM note WHERE id = 'x') SELECT title FROM t;

-- name: bare_in_aggregate :one
-- col: n int!
SELECT title, COUNT(*) AS n FROM note WHERE author_id = 7;

-- name: grouped :many
-- col: n int!
SELECT author_id, COUNT(*) AS n FROM note WHERE author_id > 7 GROUP BY author_id LIMIT 5;

-- name: expression :one
-- col: shout text
SELECT upper(title) AS shout FROM note WHERE id = 'x';

-- name: overruled :one
-- col: body text!
-- col: title text?
SELECT body, title FROM note WHERE id = 'x';

-- name: returned :one
DELETE FROM note WHERE id = 'x' RETURNING title;
