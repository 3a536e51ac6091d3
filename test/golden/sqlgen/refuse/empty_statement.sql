-- name: nothing :exec
;
