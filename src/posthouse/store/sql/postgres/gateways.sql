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

-- name: hold
-- As on SQLite, by the database's clock. Whoever asks has the lock for holders.
INSERT INTO holders (bot, gateway, epoch)
SELECT :bot::text, g.id, g.epoch FROM gateways g
WHERE g.id = :gateway AND g.epoch = :epoch AND g.until_at > lease_clock(:now)
  AND NOT EXISTS (SELECT 1 FROM holders h JOIN gateways o ON o.id = h.gateway AND o.epoch = h.epoch
                  WHERE h.bot = :bot::text AND o.until_at > lease_clock(:now))
ON CONFLICT (bot) DO UPDATE SET gateway = excluded.gateway, epoch = excluded.epoch;

-- name: held
-- As on SQLite, by the database's clock.
SELECT h.bot FROM holders h JOIN gateways g ON g.id = h.gateway AND g.epoch = h.epoch
WHERE g.id = :gateway AND g.epoch = :epoch AND g.until_at > lease_clock(:now);

-- name: hold_no_others
-- As on SQLite.
DELETE FROM holders
WHERE gateway = :gateway AND epoch = :epoch
  AND bot <> ALL (ARRAY(SELECT json_array_elements_text(:bots::json)));

-- name: doubt_anew
-- As on SQLite, by the database's clock.
UPDATE deliveries SET unclear_since_at = :now::float8
WHERE state IN ('queued', 'sending', 'unknown') AND state = 'unknown'
  AND unclear_since_at < :now::float8
  AND (NOT EXISTS (SELECT 1 FROM gateways o
                   WHERE o.id <> :gateway AND o.until_at > lease_clock(:now::float8))
    OR EXISTS (SELECT 1 FROM lanes l JOIN gateways g ON g.id = l.owner
               WHERE l.lane = 's:' || deliveries.chat
                 AND (g.id = :gateway OR g.until_at <= lease_clock(:now::float8))));
