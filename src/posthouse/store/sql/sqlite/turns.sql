-- name: claim_control
-- Take control lanes that are ready, the longest waiting first. The head stays what the lane worked
-- on, if anything: a turn found after a crash is handed out again, before its followers.
UPDATE lanes SET
  owner = :gateway, epoch = :epoch, fence = fence + 1, tries = tries + 1,
  crashes = iif(current IS NULL, 0, crashes),
  current = coalesce(current, (
    SELECT t.id FROM turns t WHERE t.lane = lanes.lane AND t.state = 'waiting'
    ORDER BY t.place LIMIT 1))
WHERE lane IN (
    SELECT l.lane FROM lanes l
    WHERE l.kind = 'c' AND l.bot = '' AND l.owner IS NULL AND l.ready_at <= :now
    ORDER BY l.ready_at LIMIT :limit)
  AND EXISTS (SELECT 1 FROM gateways g
              WHERE g.id = :gateway AND g.epoch = :epoch AND g.until_at > :now)
RETURNING lane, fence, current, tries, ready_at, crashes;

-- name: claim
-- Take turn lanes that are ready, the longest waiting first, except in chats whose control lane has
-- something to do. Candidates come from the lanes, so a flooded lane costs as much as any other.
UPDATE lanes SET
  owner = :gateway, epoch = :epoch, fence = fence + 1, tries = tries + 1,
  crashes = iif(current IS NULL, 0, crashes),
  current = coalesce(current, (
    SELECT t.id FROM turns t WHERE t.lane = lanes.lane AND t.state = 'waiting'
    ORDER BY t.place LIMIT 1))
WHERE lane IN (
    SELECT l.lane FROM lanes l
    WHERE l.kind = 't' AND l.bot = '' AND l.owner IS NULL AND l.ready_at <= :now
      AND NOT EXISTS (SELECT 1 FROM lanes k WHERE k.lane = 'c:' || l.chat AND k.waiting > 0)
    ORDER BY l.ready_at LIMIT :limit)
  AND EXISTS (SELECT 1 FROM gateways g
              WHERE g.id = :gateway AND g.epoch = :epoch AND g.until_at > :now)
RETURNING lane, fence, current, tries, ready_at, crashes;

-- name: claim_fresh
-- Take the lane of a turn that was put just now, under the conditions of `claim`: it is free, ready,
-- and has nothing else. Returns its fence.
UPDATE lanes SET
  owner = :gateway, epoch = :epoch, fence = fence + 1, tries = 1, crashes = 0, current = :turn
WHERE lane = :lane AND owner IS NULL AND current IS NULL AND waiting = 1 AND ready_at <= :now
  AND (kind = 'c' OR NOT EXISTS (SELECT 1 FROM lanes k
                                 WHERE k.lane = 'c:' || lanes.chat AND k.waiting > 0))
  AND EXISTS (SELECT 1 FROM gateways g
              WHERE g.id = :gateway AND g.epoch = :epoch AND g.until_at > :now)
RETURNING fence;

-- name: turns
-- Claimed turns, whether they have spoken before, with their chats and, a row each, their events.
SELECT t.id, t.session, t.handler, t.started_at IS NOT NULL, t.replaces, t.answer, t.accepted_at,
       EXISTS (SELECT 1 FROM deliveries d WHERE d.origin = 'turn:' || t.id),
       e.id, e.body, e.accepted_at, e.has_slot, c.*
FROM turns t JOIN chats c ON c.id = t.chat
LEFT JOIN events e ON e.turn = t.id AND e.is_part
WHERE t.id IN (SELECT value FROM json_each(:turns))
ORDER BY t.id, e.id;

-- name: replaced
-- The events of a replaced turn, and which turn that one had replaced.
SELECT t.replaces, e.id, e.body, e.accepted_at, e.has_slot
FROM turns t LEFT JOIN events e ON e.turn = t.id AND e.is_part
WHERE t.id = :turn ORDER BY e.id;

-- name: recount
-- A lane whose counter was wrong (`check` would have told) gets its true one and is free.
UPDATE lanes SET
  owner = NULL, current = NULL, tries = 0,
  waiting = (SELECT count(*) FROM turns t WHERE t.lane = lanes.lane AND t.state = 'waiting'),
  ready_at = (SELECT max(:now, t.burst_until_at) FROM turns t
              WHERE t.lane = lanes.lane AND t.state = 'waiting' ORDER BY t.place LIMIT 1)
WHERE lane = :lane;

-- name: next_at
-- When the earliest free turn or control lane becomes ready that no control lane holds up.
SELECT min(ready_at) FROM (
  SELECT * FROM (SELECT l.ready_at FROM lanes l
    WHERE l.kind = 'c' AND l.bot = '' AND l.owner IS NULL AND l.ready_at IS NOT NULL
    ORDER BY l.ready_at LIMIT 1)
  UNION ALL
  SELECT * FROM (SELECT l.ready_at FROM lanes l
    WHERE l.kind = 't' AND l.bot = '' AND l.owner IS NULL AND l.ready_at IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM lanes k WHERE k.lane = 'c:' || l.chat AND k.waiting > 0)
    ORDER BY l.ready_at LIMIT 1));

-- name: held
-- The turn that a claim holds (nothing when the lane is no longer the claim's) and its chat; and,
-- if there is a first delivery to send at once, the fence of the chat's send lane (0: none yet),
-- or NULL or -1 when that may not be: the lane is busy or paced, the control lane has something
-- beside this turn, the house is held, or the gateway's time is up.
SELECT t.handler, t.person, t.wanted, t.wanted_reason, t.started_at IS NOT NULL, l.tries,
       l.ready_at, t.notes,
       CASE WHEN :has_first
         AND NOT EXISTS (SELECT 1 FROM lanes k
                         WHERE k.lane = 'c:' || t.chat AND k.waiting > (l.kind = 'c'))
         AND NOT (SELECT is_held FROM house)
         AND EXISTS (SELECT 1 FROM gateways g
                     WHERE g.id = :gateway AND g.epoch = :epoch AND g.until_at > :now)
       THEN coalesce((
         SELECT iif(s.waiting = 0 AND s.owner IS NULL AND s.not_before_at <= :now, s.fence, -1)
         FROM lanes s WHERE s.lane = 's:' || t.chat), 0) END,
       l.waiting, c.*
FROM lanes l JOIN turns t ON t.id = l.current JOIN chats c ON c.id = t.chat
WHERE l.lane = :lane AND l.fence = :fence AND l.owner = :gateway AND l.epoch = :epoch
  AND l.current = :turn;

-- name: start
-- A handler that must not run twice begins, if the lane is still the claim's.
UPDATE turns SET started_at = :now
WHERE id = :turn AND started_at IS NULL
  AND EXISTS (SELECT 1 FROM lanes l
              WHERE l.lane = :lane AND l.fence = :fence AND l.owner = :gateway AND l.epoch = :epoch
                AND l.current = :turn);

-- name: finish
-- A turn is over.
UPDATE turns SET
  state = :state, reason = :reason, finished_at = :now, tries = :tries, notes = :notes, wanted = ''
WHERE id = :turn;

-- name: cancel_waiting
-- A turn that waited will not be run.
UPDATE turns SET state = 'cancelled', reason = :reason, finished_at = :now, wanted = ''
WHERE id = :turn;

-- name: run_again
-- A turn is given back to its lane, to start from the beginning.
UPDATE turns SET wanted = '', wanted_reason = '', started_at = NULL WHERE id = :turn;

-- name: failed_once
-- Remember why a turn waits for its next try.
UPDATE turns SET reason = :reason, tries = :tries WHERE id = :turn;

-- name: take_send_lane
-- Hold the idle send lane for a delivery that is on its way already.
INSERT INTO lanes (lane, kind, chat, bot, waiting, current, tries, owner, epoch, fence)
VALUES (:lane, 's', :chat, :bot, 1, :delivery, 1, :gateway, :epoch, :fence)
ON CONFLICT (lane) DO UPDATE SET
  waiting = 1, current = :delivery, tries = 1, owner = :gateway, epoch = :epoch, fence = :fence;

-- name: keep_slot
-- Keep the bytes that answered inside the HTTP request of the newest event, of those that waited
-- for one if there are any.
UPDATE events SET slot_body = :body
WHERE id = (SELECT id FROM events WHERE turn = :turn AND is_part ORDER BY has_slot DESC, id DESC LIMIT 1);

-- name: wanted
-- What control turns have asked of a turn.
SELECT wanted FROM turns WHERE id = :turn;

-- name: once
-- How far a named side effect has come.
SELECT result FROM once WHERE turn = :turn AND name = :name;

-- name: once_begin
-- A named side effect begins.
INSERT INTO once (turn, name) VALUES (:turn, :name);

-- name: once_end
-- A named side effect has happened.
INSERT INTO once (turn, name, result) VALUES (:turn, :name, :result)
ON CONFLICT (turn, name) DO UPDATE SET result = excluded.result;

-- name: revive
-- A buried turn waits again, behind the newest turn and before the next one.
UPDATE turns SET
  state = 'waiting', reason = '', finished_at = NULL, started_at = NULL, tries = 0,
  wanted = '', wanted_reason = '', burst_until_at = :now,
  place = (SELECT max(id) + 0.5 FROM turns)
WHERE id = :turn AND state = 'buried'
RETURNING lane, chat;
