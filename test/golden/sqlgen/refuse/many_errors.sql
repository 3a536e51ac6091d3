-- The first 20 are printed.

-- name: q0 :one
SELECT c0 FROM note WHERE id = 1;

-- name: q1 :one
SELECT c1 FROM note WHERE id = 1;

-- name: q2 :one
SELECT c2 FROM note WHERE id = 1;

-- name: q3 :one
SELECT c3 FROM note WHERE id = 1;

-- name: q4 :one
SELECT c4 FROM note WHERE id = 1;

-- name: q5 :one
SELECT c5 FROM note WHERE id = 1;

-- name: q6 :one
SELECT c6 FROM note WHERE id = 1;

-- name: q7 :one
SELECT c7 FROM note WHERE id = 1;

-- name: q8 :one
SELECT c8 FROM note WHERE id = 1;

-- name: q9 :one
SELECT c9 FROM note WHERE id = 1;

-- name: q10 :one
SELECT c10 FROM note WHERE id = 1;

-- name: q11 :one
SELECT c11 FROM note WHERE id = 1;

-- name: q12 :one
SELECT c12 FROM note WHERE id = 1;

-- name: q13 :one
SELECT c13 FROM note WHERE id = 1;

-- name: q14 :one
SELECT c14 FROM note WHERE id = 1;

-- name: q15 :one
SELECT c15 FROM note WHERE id = 1;

-- name: q16 :one
SELECT c16 FROM note WHERE id = 1;

-- name: q17 :one
SELECT c17 FROM note WHERE id = 1;

-- name: q18 :one
SELECT c18 FROM note WHERE id = 1;

-- name: q19 :one
SELECT c19 FROM note WHERE id = 1;

-- name: q20 :one
SELECT c20 FROM note WHERE id = 1;

-- name: q21 :one
SELECT c21 FROM note WHERE id = 1;

-- name: q22 :one
SELECT c22 FROM note WHERE id = 1;

