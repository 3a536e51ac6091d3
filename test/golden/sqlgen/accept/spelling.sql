/* What SQL allows and the generator must not stumble over. */

-- name: quoted :one
-- param: id text
-- col: x real!
-- col: b blob!
-- col: s text!
-- col: same int!
select n."id", [title], `body`, 1.5e+3 AS x, x'00' as b, 'it''s; -- ??/ \ é' AS s,
       n.id IS NOT DISTINCT FROM :id AS 'same'
-- An apostrophe isn't the beginning of a string here; nor is this an end.
FROM note /* ; */ AS n WHERE n.id = :id;

  -- name: on_one_line :one
  -- col: n int!
  SELECT count(*) * 2 AS n FROM note WHERE id = 'x'; -- name: beside :one
SELECT ALL title FROM note WHERE author_id = 1 AND stars = 3 LIMIT 1;

-- name: twice :exec
-- param: id text
-- param: title text
UPDATE note SET title = :title, body = :title || :id WHERE id = :id;

--name:tight :one
--param:a_b int
SELECT name FROM author WHERE id=:a_b;

-- name: insert_if_new :exec
-- param: name text
INSERT INTO author (name) SELECT :name
WHERE NOT EXISTS (SELECT 1 FROM author WHERE name = :name);

-- name: pages :one
-- A table-valued function, which has no type to know.
-- scan-ok: one row
-- col: page_count int!
SELECT page_count FROM pragma_page_count;
