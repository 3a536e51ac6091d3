-- name: pages :one
-- col: page_count int!
PRAGMA page_count;
