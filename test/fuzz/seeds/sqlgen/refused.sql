-- name: bad :one
SELECT nothing FROM nowhere WHERE ( ;
-- name: int :many
-- param: x
-- nome: y
SELECT 'never