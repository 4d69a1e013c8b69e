-- name: enter
-- As on SQLite, by the database's clock.
INSERT INTO gateways (name, epoch, until_at)
VALUES (:name, 1, lease_clock(:now) + (:until_at::float8 - :now::float8))
ON CONFLICT (name) DO UPDATE SET epoch = gateways.epoch + 1, until_at = excluded.until_at
RETURNING id, epoch;

-- name: renew
-- As on SQLite, by the database's clock.
UPDATE gateways SET until_at = lease_clock(:now) + (:until_at::float8 - :now::float8)
WHERE id = :gateway AND epoch = :epoch AND until_at > lease_clock(:now)
RETURNING id;

-- name: free_overdue
-- As on SQLite, by the database's clock.
UPDATE lanes SET
  owner = NULL, ready_at = CASE WHEN waiting > 0 THEN :now::float8 END,
  tries = tries - 1, crashes = crashes + 1
WHERE owner IN (SELECT id FROM gateways WHERE until_at <= lease_clock(:now));

-- name: free_own
-- As on SQLite.
UPDATE lanes SET
  owner = NULL, ready_at = CASE WHEN waiting > 0 THEN :now::float8 END,
  tries = tries - 1, crashes = crashes + 1
WHERE owner = :gateway;
