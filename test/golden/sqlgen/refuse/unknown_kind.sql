-- name: note_get :all
SELECT id FROM note WHERE id = 'abc';
