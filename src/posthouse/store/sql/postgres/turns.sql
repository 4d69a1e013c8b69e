-- name: claim_control
-- As on SQLite, where nothing comes between looking and taking. Here a candidate counts only if
-- nobody writes about its chat at this moment (`alone`, which also keeps them from it until we
-- commit), and if its fence is what it was when we looked (`locked`): whatever happened to its head
-- in between has raised it, and then the lane is left for the next time.
WITH candidate AS MATERIALIZED (
  SELECT l.lane, l.chat, l.fence, coalesce(l.current, (
    SELECT t.id FROM turns t WHERE t.lane = l.lane AND t.state = 'waiting'
    ORDER BY t.place LIMIT 1)) AS head
  FROM lanes l
  WHERE l.kind = 'c' AND l.bot = '' AND l.owner IS NULL AND l.ready_at <= :now
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
  crashes = CASE WHEN lanes.current IS NULL THEN 0 ELSE crashes END,
  current = locked.head
FROM locked
WHERE lanes.lane = locked.lane
  AND EXISTS (SELECT 1 FROM gateways g
              WHERE g.id = :gateway AND g.epoch = :epoch AND g.until_at > lease_clock(:now))
RETURNING lanes.lane, lanes.fence, lanes.current, lanes.tries, lanes.ready_at, lanes.crashes;

-- name: claim
-- The same for turn lanes, except in chats whose control lane has something to do.
WITH candidate AS MATERIALIZED (
  SELECT l.lane, l.chat, l.fence, coalesce(l.current, (
    SELECT t.id FROM turns t WHERE t.lane = l.lane AND t.state = 'waiting'
    ORDER BY t.place LIMIT 1)) AS head
  FROM lanes l
  WHERE l.kind = 't' AND l.bot = '' AND l.owner IS NULL AND l.ready_at <= :now
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
  crashes = CASE WHEN lanes.current IS NULL THEN 0 ELSE crashes END,
  current = locked.head
FROM locked
WHERE lanes.lane = locked.lane
  AND EXISTS (SELECT 1 FROM gateways g
              WHERE g.id = :gateway AND g.epoch = :epoch AND g.until_at > lease_clock(:now))
RETURNING lanes.lane, lanes.fence, lanes.current, lanes.tries, lanes.ready_at, lanes.crashes;

-- name: claim_fresh
-- As on SQLite, by the database's clock; whoever accepts has the lock of the chat.
UPDATE lanes SET
  owner = :gateway, epoch = :epoch, fence = fence + 1, tries = 1, crashes = 0, current = :turn
WHERE lane = :lane AND owner IS NULL AND current IS NULL AND waiting = 1 AND ready_at <= :now
  AND (kind = 'c' OR NOT EXISTS (SELECT 1 FROM lanes k
                                 WHERE k.lane = 'c:' || lanes.chat AND k.waiting > 0))
  AND EXISTS (SELECT 1 FROM gateways g
              WHERE g.id = :gateway AND g.epoch = :epoch AND g.until_at > lease_clock(:now))
RETURNING fence;

-- name: turns
-- As on SQLite.
SELECT t.id, t.session, t.handler, t.started_at IS NOT NULL, t.replaces, t.answer, t.accepted_at,
       EXISTS (SELECT 1 FROM deliveries d WHERE d.origin = 'turn:' || t.id),
       e.id, e.body, e.accepted_at, e.has_slot, c.*
FROM turns t JOIN chats c ON c.id = t.chat
LEFT JOIN events e ON e.turn = t.id AND e.is_part
WHERE t.id = ANY (ARRAY(SELECT json_array_elements_text(:turns::json)::int8))
ORDER BY t.id, e.id;

-- name: recount
-- As on SQLite.
UPDATE lanes SET
  owner = NULL, current = NULL, tries = 0,
  waiting = (SELECT count(*) FROM turns t WHERE t.lane = lanes.lane AND t.state = 'waiting'),
  ready_at = (SELECT greatest(:now::float8, t.burst_until_at) FROM turns t
              WHERE t.lane = lanes.lane AND t.state = 'waiting' ORDER BY t.place LIMIT 1)
WHERE lane = :lane;

-- name: next_at
-- As on SQLite.
SELECT least(
  (SELECT l.ready_at FROM lanes l
   WHERE l.kind = 'c' AND l.bot = '' AND l.owner IS NULL AND l.ready_at IS NOT NULL
   ORDER BY l.ready_at LIMIT 1),
  (SELECT l.ready_at FROM lanes l
   WHERE l.kind = 't' AND l.bot = '' AND l.owner IS NULL AND l.ready_at IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM lanes k WHERE k.lane = 'c:' || l.chat AND k.waiting > 0)
   ORDER BY l.ready_at LIMIT 1));

-- name: held
-- As on SQLite.
SELECT t.handler, t.person, t.wanted, t.wanted_reason, t.started_at IS NOT NULL, l.tries,
       l.ready_at, t.notes,
       CASE WHEN :has_first
         AND NOT EXISTS (SELECT 1 FROM lanes k
                         WHERE k.lane = 'c:' || t.chat AND k.waiting > (l.kind = 'c')::int)
         AND NOT (SELECT is_held FROM house)
         AND EXISTS (SELECT 1 FROM gateways g
                     WHERE g.id = :gateway AND g.epoch = :epoch AND g.until_at > lease_clock(:now))
       THEN coalesce((
         SELECT CASE WHEN s.waiting = 0 AND s.owner IS NULL AND s.not_before_at <= :now
                THEN s.fence ELSE -1 END
         FROM lanes s WHERE s.lane = 's:' || t.chat), 0) END,
       l.waiting, c.*
FROM lanes l JOIN turns t ON t.id = l.current JOIN chats c ON c.id = t.chat
WHERE l.lane = :lane AND l.fence = :fence AND l.owner = :gateway AND l.epoch = :epoch
  AND l.current = :turn;
