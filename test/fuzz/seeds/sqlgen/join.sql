-- name: m :many
-- param: a text
-- col: total int?
SELECT l.id, i.name, s.total FROM log l LEFT JOIN items i ON i.id = l.item JOIN sizes s ON s.item = l.item WHERE l.item = :a LIMIT 5;
