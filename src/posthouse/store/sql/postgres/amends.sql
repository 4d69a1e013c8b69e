-- name: claim
-- As on SQLite, and as the claims of turns are safe here.
WITH candidate AS MATERIALIZED (
  SELECT l.lane, l.chat, l.fence, coalesce(l.current, (
    SELECT m.id FROM amends m WHERE m.chat = l.chat AND m.state = 'queued'
    ORDER BY m.id LIMIT 1)) AS head
  FROM lanes l
  WHERE l.kind = 'a' AND l.bot = :bot AND l.owner IS NULL AND l.ready_at <= :now
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

-- name: recount
-- As on SQLite.
UPDATE lanes SET
  owner = NULL, current = NULL, tries = 0,
  waiting = (SELECT count(*) FROM amends m WHERE m.chat = lanes.chat AND m.state = 'queued'),
  ready_at = (SELECT :now::float8 FROM amends m
              WHERE m.chat = lanes.chat AND m.state = 'queued' LIMIT 1)
WHERE lane = :lane;
