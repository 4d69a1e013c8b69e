-- name: permissions
-- Every line of XBot's table, as it was written.
SELECT id, username, cmd, subcmd, valid_until FROM permissions ORDER BY id LIMIT :limit;
