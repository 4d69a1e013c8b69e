-- name: gain
-- As on SQLite, which calls the greater of two numbers `max`.
INSERT INTO lanes (lane, kind, chat, bot, ready_at, waiting)
VALUES (:lane, :kind, :chat, :bot, :ready_at, :count)
ON CONFLICT (lane) DO UPDATE SET
  waiting = lanes.waiting + excluded.waiting,
  ready_at = CASE WHEN lanes.waiting = 0 THEN greatest(excluded.ready_at, lanes.not_before_at)
             ELSE lanes.ready_at END;

-- name: turn_goes_on
-- As on SQLite.
UPDATE lanes SET
  owner = NULL, current = NULL, tries = 0, waiting = waiting - 1,
  ready_at = (SELECT greatest(:now::float8, t.burst_until_at) FROM turns t
              WHERE t.lane = lanes.lane AND t.state = 'waiting' ORDER BY t.place LIMIT 1)
WHERE lane = :lane;

-- name: turn_lost
-- As on SQLite.
UPDATE lanes SET
  waiting = waiting - 1,
  tries = CASE WHEN current = :turn THEN 0 ELSE tries END,
  current = CASE WHEN current = :turn THEN NULL ELSE current END,
  fence = fence + (owner IS NULL)::int,
  ready_at = CASE
    WHEN owner IS NOT NULL OR current <> :turn THEN ready_at
    ELSE (SELECT greatest(:now::float8, t.burst_until_at) FROM turns t
          WHERE t.lane = lanes.lane AND t.state = 'waiting' ORDER BY t.place LIMIT 1) END
WHERE lane = :lane;

-- name: row_goes_on
-- As on SQLite.
UPDATE lanes SET
  owner = NULL, current = NULL, tries = 0, waiting = waiting - 1,
  not_before_at = :not_before_at::float8,
  ready_at = CASE WHEN waiting > 1 THEN greatest(:now::float8, :not_before_at::float8) END
WHERE lane = :lane;

-- name: row_waits
-- As on SQLite.
UPDATE lanes SET
  owner = NULL, ready_at = greatest(:at::float8, :not_before_at::float8),
  not_before_at = :not_before_at::float8
WHERE lane = :lane;

-- name: row_lost
-- As on SQLite.
UPDATE lanes SET
  waiting = waiting - 1,
  tries = CASE WHEN current = :row AND owner IS NULL THEN 0 ELSE tries END,
  current = CASE WHEN current = :row AND owner IS NULL THEN NULL ELSE current END,
  ready_at = CASE
    WHEN waiting = 1 THEN NULL
    WHEN current = :row AND owner IS NULL THEN greatest(:now::float8, not_before_at)
    ELSE ready_at END
WHERE lane = :lane;

-- name: let_go
-- As on SQLite.
UPDATE lanes SET
  owner = NULL, current = NULL, tries = 0,
  ready_at = CASE WHEN waiting > 0 THEN greatest(:now::float8, not_before_at) END
WHERE lane = :lane;
