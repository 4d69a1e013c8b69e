-- name: claim
-- Take send lanes of a bot that are ready, the longest waiting first, except in chats whose control
-- lane has something to do, and nothing while the house is held.
UPDATE lanes SET
  owner = :gateway, epoch = :epoch, fence = fence + 1, tries = tries + 1,
  current = coalesce(current, (
    SELECT d.id FROM deliveries d
    WHERE d.chat = lanes.chat AND d.state IN ('queued', 'sending', 'unknown')
    ORDER BY d.id LIMIT 1))
WHERE lane IN (
    SELECT l.lane FROM lanes l
    WHERE l.kind = 's' AND l.bot = :bot AND l.owner IS NULL AND l.ready_at <= :now
      AND NOT EXISTS (SELECT 1 FROM lanes k WHERE k.lane = 'c:' || l.chat AND k.waiting > 0)
    ORDER BY l.ready_at LIMIT :limit)
  AND NOT (SELECT is_held FROM house)
  AND EXISTS (SELECT 1 FROM gateways g
              WHERE g.id = :gateway AND g.epoch = :epoch AND g.until_at > :now)
RETURNING lane, fence, current, tries, ready_at;

-- name: taken
-- A claimed delivery with its chat.
SELECT d.*, c.* FROM deliveries d JOIN chats c ON c.id = d.chat WHERE d.id = :delivery;

-- name: keep_body
-- Keep the bytes that are about to leave.
UPDATE deliveries SET body = :body WHERE id = :delivery;

-- name: held
-- The delivery that a claim holds; nothing when the lane is no longer the claim's.
SELECT d.* FROM lanes l JOIN deliveries d ON d.id = l.current
WHERE l.lane = :lane AND l.fence = :fence AND l.owner = :gateway AND l.epoch = :epoch
  AND l.current = :delivery;

-- name: held_with_chat
-- The same with its chat.
SELECT d.*, c.* FROM lanes l JOIN deliveries d ON d.id = l.current JOIN chats c ON c.id = d.chat
WHERE l.lane = :lane AND l.fence = :fence AND l.owner = :gateway AND l.epoch = :epoch
  AND l.current = :delivery;

-- name: next_at
-- When the earliest free send or amend lane of a bot becomes ready that no control lane holds up.
SELECT min(ready_at) FROM (
  SELECT * FROM (SELECT l.ready_at FROM lanes l
    WHERE l.kind = 's' AND l.bot = :bot AND l.owner IS NULL AND l.ready_at IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM lanes k WHERE k.lane = 'c:' || l.chat AND k.waiting > 0)
    ORDER BY l.ready_at LIMIT 1)
  UNION ALL
  SELECT * FROM (SELECT l.ready_at FROM lanes l
    WHERE l.kind = 'a' AND l.bot = :bot AND l.owner IS NULL AND l.ready_at IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM lanes k WHERE k.lane = 'c:' || l.chat AND k.waiting > 0)
    ORDER BY l.ready_at LIMIT 1))
WHERE NOT (SELECT is_held FROM house);

-- name: hurry
-- A platform can be reached again: what was only put off for that may go, as its pace allows.
UPDATE lanes SET ready_at = CASE WHEN not_before_at > :now THEN not_before_at ELSE :now END
WHERE kind = 's' AND bot = :bot AND owner IS NULL AND ready_at > :now
  AND EXISTS (SELECT 1 FROM deliveries d
              WHERE d.id = lanes.current AND d.state = 'queued'
                AND d.reason IN ('cannot_reach', 'not_connected'));

-- name: recount
-- A lane whose counter was wrong (`check` would have told) gets its true one and is free.
UPDATE lanes SET
  owner = NULL, current = NULL, tries = 0,
  waiting = (SELECT count(*) FROM deliveries d
             WHERE d.chat = lanes.chat AND d.state IN ('queued', 'sending', 'unknown')),
  ready_at = (SELECT max(:now, lanes.not_before_at) FROM deliveries d
              WHERE d.chat = lanes.chat AND d.state IN ('queued', 'sending', 'unknown') LIMIT 1)
WHERE lane = :lane;
