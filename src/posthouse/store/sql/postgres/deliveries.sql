-- name: claim
-- As on SQLite, and as the claims of turns are safe here.
WITH candidate AS MATERIALIZED (
  SELECT l.lane, l.chat, l.fence, coalesce(l.current, (
    SELECT d.id FROM deliveries d
    WHERE d.chat = l.chat AND d.state IN ('queued', 'sending', 'unknown')
    ORDER BY d.id LIMIT 1)) AS head
  FROM lanes l
  WHERE l.kind = 's' AND l.bot = :bot AND l.owner IS NULL AND l.ready_at <= :now
    AND NOT EXISTS (SELECT 1 FROM lanes k WHERE k.lane = 'c:' || l.chat AND k.waiting > 0)
  ORDER BY l.ready_at LIMIT :limit),
alone AS MATERIALIZED (
  SELECT lane, fence, head FROM candidate WHERE pg_try_advisory_xact_lock(chat)),
locked AS (
  SELECT lanes.lane, alone.head
  FROM lanes JOIN alone ON alone.lane = lanes.lane AND alone.fence = lanes.fence
  WHERE lanes.owner IS NULL AND lanes.ready_at <= :now
  FOR UPDATE OF lanes SKIP LOCKED)
UPDATE lanes SET
  owner = :gateway, epoch = :epoch, fence = fence + 1, tries = tries + 1,
  current = locked.head
FROM locked
WHERE lanes.lane = locked.lane
  AND NOT (SELECT is_held FROM house)
  AND EXISTS (SELECT 1 FROM gateways g
              WHERE g.id = :gateway AND g.epoch = :epoch AND g.until_at > lease_clock(:now))
RETURNING lanes.lane, lanes.fence, lanes.current, lanes.tries, lanes.ready_at;

-- name: next_at
-- As on SQLite.
SELECT CASE WHEN NOT (SELECT is_held FROM house) THEN least(
  (SELECT l.ready_at FROM lanes l
   WHERE l.kind = 's' AND l.bot = :bot AND l.owner IS NULL AND l.ready_at IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM lanes k WHERE k.lane = 'c:' || l.chat AND k.waiting > 0)
   ORDER BY l.ready_at LIMIT 1),
  (SELECT l.ready_at FROM lanes l
   WHERE l.kind = 'a' AND l.bot = :bot AND l.owner IS NULL AND l.ready_at IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM lanes k WHERE k.lane = 'c:' || l.chat AND k.waiting > 0)
   ORDER BY l.ready_at LIMIT 1)) END;

-- name: recount
-- As on SQLite.
UPDATE lanes SET
  owner = NULL, current = NULL, tries = 0,
  waiting = (SELECT count(*) FROM deliveries d
             WHERE d.chat = lanes.chat AND d.state IN ('queued', 'sending', 'unknown')),
  ready_at = (SELECT greatest(:now::float8, lanes.not_before_at) FROM deliveries d
              WHERE d.chat = lanes.chat AND d.state IN ('queued', 'sending', 'unknown') LIMIT 1)
WHERE lane = :lane;

-- name: hurry
-- As on SQLite; a chat that somebody writes about at this moment is looked at next time.
UPDATE lanes SET
  ready_at = CASE WHEN not_before_at > :now THEN not_before_at ELSE :now::float8 END
WHERE lane IN (
  SELECT l.lane FROM lanes l JOIN deliveries d ON d.id = l.current
  WHERE l.kind = 's' AND l.bot = :bot AND l.owner IS NULL AND l.ready_at > :now
    AND d.state = 'queued' AND d.reason IN ('cannot_reach', 'not_connected')
    AND pg_try_advisory_xact_lock(l.chat)
  FOR UPDATE OF l SKIP LOCKED);
