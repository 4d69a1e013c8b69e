-- name: ends_events
-- The first and the last number of the events.
SELECT (SELECT min(id) FROM events), (SELECT max(id) FROM events);

-- name: ends_deliveries
-- The first and the last number of the deliveries.
SELECT (SELECT min(id) FROM deliveries), (SELECT max(id) FROM deliveries);

-- name: at_events
-- The first event from a number on, and when it came in.
SELECT id, accepted_at FROM events WHERE id >= :number ORDER BY id LIMIT 1;

-- name: at_deliveries
-- The first delivery from a number on, and when it was put.
SELECT id, put_at FROM deliveries WHERE id >= :number ORDER BY id LIMIT 1;

-- name: troubled_between
-- How many deliveries of these numbers people should look at.
SELECT count(*) FROM deliveries
WHERE state IN ('failed', 'doubtful') AND id >= :first AND id < :behind;

-- name: sample
-- A few messages of these numbers whose turns are over: how they ended, and how long the first
-- words of the answer took. No more than 500 rows are looked at.
SELECT t.reason, d.settled_at - e.accepted_at
FROM events e
CROSS JOIN turns t ON t.id = e.turn
LEFT JOIN deliveries d ON d.origin = 'turn:' || t.id AND d.ordinal = 0 AND d.part = 0
  AND d.state = 'sent'
WHERE e.id >= max(:first, :behind - 500) AND e.id < :behind
  AND e.state = 'routed' AND e.kind IN ('message', 'edited')
  AND t.state <> 'waiting' AND t.handler NOT IN ('control', 'away', 'recall_report')
ORDER BY e.id DESC LIMIT :limit;
