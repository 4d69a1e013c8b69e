-- name: turn
-- As on SQLite.
SELECT t.id, t.lane, t.session, t.handler, t.state, t.reason, t.accepted_at, t.started_at,
       t.finished_at, CASE WHEN l.current = t.id THEN l.tries ELSE t.tries END,
       l.owner IS NOT NULL AND l.current IS NOT DISTINCT FROM t.id, t.notes, t.chat
FROM turns t LEFT JOIN lanes l ON l.lane = t.lane WHERE t.id = :turn;

-- name: of_message
-- As on SQLite.
SELECT e.id FROM chats c JOIN events e ON e.chat = c.id
WHERE c.bot = :bot AND e.message_id = :message_id AND e.message_id <> ''
ORDER BY e.id DESC;

-- name: amends
-- As on SQLite.
SELECT m.id, m.delivery, m.kind, m.state, m.reason, m.put_at, m.settled_at
FROM amends m
WHERE m.delivery = ANY (ARRAY(SELECT json_array_elements_text(:deliveries::json)::int8))
ORDER BY m.id LIMIT :limit;

-- name: unanswered
-- As on SQLite.
SELECT e.* FROM events e LEFT JOIN turns t ON t.id = e.turn
WHERE e.id > (SELECT coalesce(max(id), 0) FROM events) - :looked_at
  AND (e.state IN ('late', 'refused', 'undecodable')
       OR (t.state <> 'waiting' AND split_part(t.reason, ' ', 1) IN (
         'no_answer', 'handler_error', 'handler_timeout', 'handler_missing', 'interrupted')))
ORDER BY e.id DESC LIMIT :limit;

-- name: ends
-- As on SQLite.
SELECT (SELECT coalesce(max(id), 0) + 1 FROM events),
       (SELECT coalesce(max(id), 0) + 1 FROM deliveries);

-- name: search_events
-- As on SQLite, whose LIKE takes capitals and small letters alike.
SELECT * FROM events
WHERE id < :below AND id >= CAST(:below AS bigint) - CAST(:looked_at AS bigint)
  AND body ILIKE :pattern ESCAPE '^'
ORDER BY id DESC LIMIT :limit;

-- name: search_deliveries
-- As on SQLite.
SELECT * FROM deliveries
WHERE id < :below AND id >= CAST(:below AS bigint) - CAST(:looked_at AS bigint)
  AND content ILIKE :pattern ESCAPE '^'
ORDER BY id DESC LIMIT :limit;

-- name: whose
-- As on SQLite.
SELECT t.id, t.handler, t.session, t.person FROM (
  SELECT platform_ids, origin FROM deliveries WHERE chat = :chat ORDER BY put_at DESC LIMIT :limit) d
JOIN turns t ON d.origin = 'turn:' || t.id
WHERE platform_ids::jsonb ? :message_id
LIMIT 1;

-- name: is_ours
-- As on SQLite.
SELECT 1 FROM (
  SELECT platform_ids FROM deliveries WHERE chat = :chat ORDER BY put_at DESC LIMIT :limit) d
WHERE platform_ids::jsonb ? :message_id
LIMIT 1;
