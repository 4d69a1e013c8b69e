-- name: enter
-- Become the gateway of a name, one epoch later than whoever had it.
INSERT INTO gateways (name, epoch, until_at) VALUES (:name, 1, :until_at)
ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1, until_at = excluded.until_at
RETURNING id, epoch;

-- name: renew
-- Stay, if nobody entered under our name and our time is not up.
UPDATE gateways SET until_at = :until_at
WHERE id = :gateway AND epoch = :epoch AND until_at > :now
RETURNING id;

-- name: free_own
-- Free what earlier epochs of this gateway held. What a lane worked on stays its head, is ready at
-- once, and keeps what control turns have asked of it; that try was no try of its own.
UPDATE lanes SET
  owner = NULL, ready_at = CASE WHEN waiting > 0 THEN :now END,
  tries = tries - 1, crashes = crashes + 1
WHERE owner = :gateway;

-- name: free_overdue
-- Free what gateways held whose time is up.
UPDATE lanes SET
  owner = NULL, ready_at = CASE WHEN waiting > 0 THEN :now END,
  tries = tries - 1, crashes = crashes + 1
WHERE owner IN (SELECT id FROM gateways WHERE until_at <= :now);

-- name: doubt_anew
-- Nobody could look for unclear messages while no gateway lived, nor for those that a dead one or
-- our own earlier epoch holds: their wait begins again.
UPDATE deliveries SET unclear_since_at = :now
WHERE state IN ('queued', 'sending', 'unknown') AND state = 'unknown' AND unclear_since_at < :now
  AND (NOT EXISTS (SELECT 1 FROM gateways WHERE id <> :gateway AND until_at > :now)
    OR EXISTS (SELECT 1 FROM lanes l JOIN gateways g ON g.id = l.owner
               WHERE l.lane = 's:' || deliveries.chat
                 AND (g.id = :gateway OR g.until_at <= :now)));

-- name: bound_bursts
-- No waiting turn waits for more of the same person beyond :latest_at.
UPDATE turns SET burst_until_at = :latest_at
WHERE state = 'waiting' AND burst_until_at > :latest_at;

-- name: bound_lanes
-- No free lane is put off beyond :latest_at.
UPDATE lanes SET ready_at = :latest_at WHERE owner IS NULL AND ready_at > :latest_at;

-- name: bound_paces
-- No chat's pace reaches beyond :now.
UPDATE lanes SET not_before_at = :now WHERE not_before_at > :now;

-- name: hold
-- Hold a bot's connection from now on, unless somebody living does.
INSERT INTO holders (bot, gateway, epoch)
SELECT :bot, g.id, g.epoch FROM gateways g
WHERE g.id = :gateway AND g.epoch = :epoch AND g.until_at > :now
  AND NOT EXISTS (SELECT 1 FROM holders h JOIN gateways o ON o.id = h.gateway AND o.epoch = h.epoch
                  WHERE h.bot = :bot AND o.until_at > :now)
ON CONFLICT (bot) DO UPDATE SET gateway = excluded.gateway, epoch = excluded.epoch;

-- name: held
-- Whose connections a gateway holds, while it lives.
SELECT h.bot FROM holders h JOIN gateways g ON g.id = h.gateway AND g.epoch = h.epoch
WHERE g.id = :gateway AND g.epoch = :epoch AND g.until_at > :now;

-- name: hold_no_others
-- Let go of every bot but these.
DELETE FROM holders
WHERE gateway = :gateway AND epoch = :epoch AND bot NOT IN (SELECT value FROM json_each(:bots));
