-- name: look
-- As on SQLite; truth values are no numbers here.
SELECT (SELECT s.event FROM seen s WHERE s.bot = :bot AND s.key = :key),
       EXISTS (SELECT 1 FROM seen r WHERE r.bot = :bot AND r.key = :recall),
       coalesce(l.waiting - (l.owner IS NOT NULL AND l.current IS NOT NULL)::int, 0),
       l.is_overloaded, c.*
FROM chats c LEFT JOIN lanes l ON l.lane = :lane WHERE c.id = :chat;

-- name: last_turn
-- As on SQLite.
SELECT t.id, t.handler, t.burst_until_at, t.accepted_at, t.event_count
FROM turns t JOIN lanes l ON l.lane = t.lane
WHERE t.lane = :lane AND t.state = 'waiting' AND t.id IS DISTINCT FROM l.current
  AND NOT EXISTS (SELECT 1 FROM turns o
                  WHERE o.lane = 'c:' || t.chat AND o.state = 'waiting' AND o.id > t.id
                    AND o.handler NOT IN ('away', 'recall_report'))
ORDER BY t.place DESC LIMIT 1;

-- name: edited
-- As on SQLite.
SELECT e.id, e.body, t.id, t.state, t.on_edit, t.lane,
       l.owner IS NOT NULL AND l.current IS NOT DISTINCT FROM t.id
FROM events e JOIN turns t ON t.id = e.turn JOIN lanes l ON l.lane = t.lane
WHERE e.chat = :chat AND e.message_id = :message_id AND e.message_id <> ''
  AND e.kind IN ('message', 'edited') AND e.state = 'routed' AND e.is_part
ORDER BY e.id DESC LIMIT 1;
