-- name: put
-- Queue the new words of a delivery; what exists under its origin stays.
INSERT INTO amends (chat, delivery, kind, state, origin, ordinal, content, body, put_at)
VALUES (:chat, :delivery, 'edit', :state, :origin, :ordinal, :content, :body, :now)
ON CONFLICT (origin, ordinal) DO NOTHING
RETURNING id;

-- name: is_in_hand
-- Whether a gateway works on a delivery right now.
SELECT 1 FROM lanes WHERE lane = :lane AND current = :delivery AND owner IS NOT NULL;

-- name: rewrite
-- Give a delivery other words in the book.
UPDATE deliveries SET content = :content, body = :body WHERE id = :delivery;

-- name: claim
-- Take amend lanes of a bot that are ready, the longest waiting first.
UPDATE lanes SET
  owner = :gateway, epoch = :epoch, fence = fence + 1, tries = tries + 1,
  current = coalesce(current, (
    SELECT m.id FROM amends m WHERE m.chat = lanes.chat AND m.state = 'queued'
    ORDER BY m.id LIMIT 1))
WHERE lane IN (
    SELECT l.lane FROM lanes l
    WHERE l.kind = 'a' AND l.bot = :bot AND l.owner IS NULL AND l.ready_at <= :now
      AND NOT EXISTS (SELECT 1 FROM lanes k WHERE k.lane = 'c:' || l.chat AND k.waiting > 0)
    ORDER BY l.ready_at LIMIT :limit)
  AND NOT (SELECT is_held FROM house)
  AND EXISTS (SELECT 1 FROM gateways g
              WHERE g.id = :gateway AND g.epoch = :epoch AND g.until_at > :now)
RETURNING lane, fence, current, tries, ready_at;

-- name: taken
-- A claimed amend with its delivery and chat.
SELECT m.kind, m.body, d.*, c.*
FROM amends m JOIN deliveries d ON d.id = m.delivery JOIN chats c ON c.id = m.chat
WHERE m.id = :amend;

-- name: held
-- The amend that a claim holds; nothing when the lane is no longer the claim's.
SELECT m.kind, m.content, m.body, l.tries, l.not_before_at, d.*
FROM lanes l JOIN amends m ON m.id = l.current JOIN deliveries d ON d.id = m.delivery
WHERE l.lane = :lane AND l.fence = :fence AND l.owner = :gateway AND l.epoch = :epoch
  AND l.current = :amend;

-- name: settle
-- An amend is over.
UPDATE amends SET state = :state, reason = :reason, settled_at = :now WHERE id = :amend;

-- name: recount
-- A lane whose counter was wrong (`check` would have told) gets its true one and is free.
UPDATE lanes SET
  owner = NULL, current = NULL, tries = 0,
  waiting = (SELECT count(*) FROM amends m WHERE m.chat = lanes.chat AND m.state = 'queued'),
  ready_at = (SELECT :now FROM amends m
              WHERE m.chat = lanes.chat AND m.state = 'queued' LIMIT 1)
WHERE lane = :lane;
