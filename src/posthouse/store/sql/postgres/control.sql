-- name: words_of
-- As on SQLite.
SELECT e.id, t.id, t.lane, t.state, l.owner IS NOT NULL AND l.current IS NOT DISTINCT FROM t.id
FROM events e LEFT JOIN turns t ON t.id = e.turn AND e.is_part LEFT JOIN lanes l ON l.lane = t.lane
WHERE e.chat = :chat AND e.message_id = :message_id AND e.message_id <> ''
  AND e.kind IN ('message', 'edited') AND e.state <> 'recalled'
ORDER BY e.id;

-- name: take_words
-- As on SQLite.
UPDATE events SET state = 'recalled', reason = 'recalled', is_part = FALSE WHERE id = :event;

-- name: waiting_in
-- As on SQLite.
SELECT t.id, EXISTS (SELECT 1 FROM deliveries d WHERE d.origin = 'turn:' || t.id)
FROM turns t JOIN lanes l ON l.lane = t.lane
WHERE t.lane = :lane AND t.state = 'waiting' AND (CAST(:before AS bigint) IS NULL OR t.id < :before)
  AND NOT (l.owner IS NOT NULL AND l.current IS NOT DISTINCT FROM t.id)
ORDER BY t.place;

-- name: unfinished
-- As on SQLite.
SELECT t.lane, (l.owner IS NOT NULL AND l.current IS NOT DISTINCT FROM t.id)
            OR EXISTS (SELECT 1 FROM deliveries d WHERE d.origin = 'turn:' || t.id)
FROM turns t JOIN lanes l ON l.lane = t.lane
WHERE t.id = :turn AND t.chat = :chat AND t.state = 'waiting';
