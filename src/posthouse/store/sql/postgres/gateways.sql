-- name: enter
-- As on SQLite.
INSERT INTO gateways (name, epoch, until_at) VALUES (:name, 1, :until_at)
ON CONFLICT (name) DO UPDATE SET epoch = gateways.epoch + 1, until_at = excluded.until_at
RETURNING id, epoch;

-- name: free_own
-- As on SQLite.
UPDATE lanes SET
  owner = NULL, ready_at = CASE WHEN waiting > 0 THEN :now::float8 END,
  tries = tries - 1, crashes = crashes + 1
WHERE owner = :gateway;
