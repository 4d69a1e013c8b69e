-- name: operators
-- As on SQLite, where names are alike in capitals and small letters.
SELECT id, name, role, created_at, is_disabled FROM operators ORDER BY lower(name);

-- name: add_operator
-- As on SQLite.
INSERT INTO operators (name, role, created_at, password_hash)
VALUES (:name, :role, :now, :password_hash) ON CONFLICT DO NOTHING;

-- name: password_hash
-- As on SQLite.
SELECT id, name, role, created_at, is_disabled, password_hash FROM operators
WHERE lower(name) = lower(:name) AND NOT is_disabled;
