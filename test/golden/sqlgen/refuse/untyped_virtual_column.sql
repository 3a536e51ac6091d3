-- name: doubled_get :one
-- param: n int
SELECT stored, computed FROM doubled WHERE n = :n;
