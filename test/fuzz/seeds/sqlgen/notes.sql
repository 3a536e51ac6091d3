-- name: total :one
-- col: total int!
-- col: text text!
-- scan-ok: few rows "\ ??/
SELECT coalesce(sum(size), 0) AS total, 'it''s \ "x" é' AS text FROM log;
