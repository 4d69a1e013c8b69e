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

-- name: overdue
-- Gateways whose time is up.
SELECT id FROM gateways WHERE until_at <= :now;

-- name: asked
-- Turns that a gateway was running and that were to stop or to start again. One that left a growing
-- message without its final words is not among them: it is handed out again, to give it some.
SELECT t.id, t.lane, t.wanted, t.wanted_reason FROM lanes l JOIN turns t ON t.id = l.current
WHERE l.owner = :gateway AND l.kind IN ('t', 'c') AND t.wanted <> ''
  AND NOT (t.wanted = 'cancel' AND EXISTS (
    SELECT 1 FROM deliveries d
    WHERE d.origin = 'turn:' || t.id AND d.kind = 'draft' AND NOT d.withdraw_wanted
      AND d.state IN ('queued', 'sending', 'unknown', 'sent')
      AND NOT EXISTS (SELECT 1 FROM deliveries s WHERE s.target = d.id)));

-- name: free
-- Free what a gateway held; what a lane worked on stays its head and is ready at once.
UPDATE lanes SET owner = NULL, ready_at = CASE WHEN waiting > 0 THEN :now END
WHERE owner = :gateway;
