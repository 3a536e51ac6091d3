-- name: make :exec
CREATE TABLE t (a INTEGER) STRICT;
