-- name: gain
-- A lane has :count more to hand out; an empty one is ready when asked, not before its pace allows.
INSERT INTO lanes (lane, kind, chat, bot, ready_at, waiting)
VALUES (:lane, :kind, :chat, :bot, :ready_at, :count)
ON CONFLICT (lane) DO UPDATE SET
  waiting = waiting + excluded.waiting,
  ready_at = CASE WHEN waiting = 0 THEN max(excluded.ready_at, not_before_at) ELSE ready_at END;

-- name: turn_goes_on
-- The turn is over: the lane is free, and ready when its next head is.
UPDATE lanes SET
  owner = NULL, current = NULL, tries = 0, waiting = waiting - 1,
  ready_at = (SELECT max(:now, t.burst_until_at) FROM turns t
              WHERE t.lane = lanes.lane AND t.state = 'waiting' ORDER BY t.place LIMIT 1)
WHERE lane = :lane;

-- name: turn_waits
-- The turn stays the head of its lane and is handed out again from :at on.
UPDATE lanes SET owner = NULL, tries = :tries, ready_at = :at WHERE lane = :lane;

-- name: turn_lost
-- A turn that waited is over without having been handed out (its state is changed already). The
-- lane of a running turn only counts; of a free one the head may be another now.
UPDATE lanes SET
  waiting = waiting - 1,
  tries = CASE WHEN current = :turn THEN 0 ELSE tries END,
  current = CASE WHEN current = :turn THEN NULL ELSE current END,
  fence = fence + (owner IS NULL),
  ready_at = CASE
    WHEN owner IS NOT NULL OR current <> :turn THEN ready_at
    ELSE (SELECT max(:now, t.burst_until_at) FROM turns t
          WHERE t.lane = lanes.lane AND t.state = 'waiting' ORDER BY t.place LIMIT 1) END
WHERE lane = :lane;

-- name: turn_changed
-- A waiting turn was changed: whoever saw it before may not claim it as it was.
UPDATE lanes SET fence = fence + 1 WHERE lane = :lane AND owner IS NULL;

-- name: burst_grew
-- A waiting turn got another event: its lane waits with it where it is the head.
UPDATE lanes SET
  fence = fence + 1,
  ready_at = CASE WHEN current IS NULL AND waiting = 1 THEN :ready_at ELSE ready_at END
WHERE lane = :lane AND owner IS NULL;

-- name: row_goes_on
-- A delivery or amend is settled: the lane is free, and its pace decides when the next may go.
UPDATE lanes SET
  owner = NULL, current = NULL, tries = 0, waiting = waiting - 1, not_before_at = :not_before_at,
  ready_at = CASE WHEN waiting > 1 THEN max(:now, :not_before_at) END
WHERE lane = :lane;

-- name: row_waits
-- A delivery or amend stays the head of its lane and is handed out again from :at on.
UPDATE lanes SET owner = NULL, ready_at = max(:at, :not_before_at), not_before_at = :not_before_at
WHERE lane = :lane;

-- name: row_lost
-- A delivery that waited was dropped. Whoever holds the lane for it finds out when they write.
UPDATE lanes SET
  waiting = waiting - 1,
  tries = CASE WHEN current = :row AND owner IS NULL THEN 0 ELSE tries END,
  current = CASE WHEN current = :row AND owner IS NULL THEN NULL ELSE current END,
  ready_at = CASE
    WHEN waiting = 1 THEN NULL
    WHEN current = :row AND owner IS NULL THEN max(:now, not_before_at)
    ELSE ready_at END
WHERE lane = :lane;

-- name: let_go
-- What the lane worked on is no longer its business (dropped meanwhile): the next one may go.
UPDATE lanes SET
  owner = NULL, current = NULL, tries = 0,
  ready_at = CASE WHEN waiting > 0 THEN max(:now, not_before_at) END
WHERE lane = :lane;
