-- name: event
-- An event.
SELECT * FROM events WHERE id = :event;

-- name: turn
-- A turn, and whether its lane is working on it.
SELECT t.id, t.lane, t.session, t.handler, t.state, t.reason, t.accepted_at, t.started_at,
       t.finished_at, CASE WHEN l.current IS t.id THEN l.tries ELSE t.tries END,
       l.owner IS NOT NULL AND l.current IS t.id, t.notes, t.chat
FROM turns t LEFT JOIN lanes l ON l.lane = t.lane WHERE t.id = :turn;

-- name: deliveries
-- What a turn said.
SELECT * FROM deliveries WHERE origin = 'turn:' || :turn ORDER BY ordinal, part;

-- name: is_held
-- Whether an operator has to look before anything is sent.
SELECT is_held FROM house;

-- name: is_ours
-- Whether one of the newest messages that the bot said in a chat has this id.
SELECT 1 FROM (
  SELECT platform_ids FROM deliveries WHERE chat = :chat ORDER BY put_at DESC LIMIT :limit) d
WHERE EXISTS (SELECT 1 FROM json_each(d.platform_ids) p WHERE p.value = :message_id)
LIMIT 1;

-- name: whose
-- The turn that said one of the newest messages of a chat.
SELECT t.id, t.handler, t.session, t.person FROM (
  SELECT platform_ids, origin FROM deliveries WHERE chat = :chat ORDER BY put_at DESC LIMIT :limit) d
JOIN turns t ON t.id = CAST(substr(d.origin, 6) AS INTEGER)
WHERE d.origin LIKE 'turn:%'
  AND EXISTS (SELECT 1 FROM json_each(d.platform_ids) p WHERE p.value = :message_id)
LIMIT 1;

-- name: heard_lately
-- A bot's chats in which people spoke last, and when each was heard.
SELECT c.platform_id, c.kind, max(e.accepted_at) AS heard_at
FROM (SELECT chat, kind, accepted_at FROM events ORDER BY id DESC LIMIT :depth) e
JOIN chats c ON c.id = e.chat
WHERE c.bot = :bot AND e.accepted_at >= :since_at AND e.kind IN ('message', 'edited')
GROUP BY c.platform_id, c.kind ORDER BY heard_at DESC LIMIT :limit;

-- name: of_message
-- Events of a bot's chats that carry a message id, newest first.
SELECT e.id FROM chats c CROSS JOIN events e ON e.chat = c.id
WHERE c.bot = :bot AND e.message_id = :message_id AND e.message_id <> ''
ORDER BY e.id DESC;

-- name: recent
-- The newest events of a chat.
SELECT id FROM events WHERE chat = :chat ORDER BY id DESC LIMIT :limit;

-- name: troubled
-- Deliveries that people should look at, newest first.
SELECT * FROM deliveries WHERE state IN ('failed', 'doubtful') ORDER BY id DESC LIMIT :limit;

-- name: buried
-- Turns that were given up, newest first.
SELECT id FROM turns WHERE state = 'buried' ORDER BY id DESC LIMIT :limit;

-- name: page
-- The newest events of a chat before one of them.
SELECT * FROM events WHERE chat = :chat AND (id < :before OR :before IS NULL)
ORDER BY id DESC LIMIT :limit;

-- name: said_between
-- What was put into a chat in a stretch of time, newest first.
SELECT * FROM deliveries WHERE chat = :chat AND put_at >= :since_at AND put_at < :until_at
ORDER BY put_at DESC, id DESC LIMIT :limit;

-- name: accepted_at
-- When an event came in.
SELECT accepted_at FROM events WHERE id = :event;

-- name: last_heard
-- The newest event of a chat.
SELECT * FROM events WHERE chat = :chat ORDER BY id DESC LIMIT 1;

-- name: delivery
-- A delivery.
SELECT * FROM deliveries WHERE id = :delivery;

-- name: events_of_turn
-- What a turn is about.
SELECT * FROM events WHERE turn = :turn ORDER BY id LIMIT :limit;

-- name: amends
-- Edits and withdrawals of deliveries.
SELECT m.id, m.delivery, m.kind, m.state, m.reason, m.put_at, m.settled_at
FROM amends m WHERE m.delivery IN (SELECT value FROM json_each(:deliveries))
ORDER BY m.id LIMIT :limit;

-- name: said_since
-- What was said in a chat and can be taken back; of a growing message and its final words only one.
SELECT d.* FROM deliveries d
WHERE d.chat = :chat AND d.put_at >= :since_at
  AND d.state IN ('queued', 'sending', 'unknown', 'sent') AND d.kind <> 'react' AND NOT d.is_report
  AND NOT (d.kind = 'draft' AND EXISTS (
    SELECT 1 FROM deliveries s
    WHERE s.target = d.id AND s.state NOT IN ('queued', 'failed', 'dropped')))
ORDER BY d.put_at DESC, d.id DESC LIMIT :limit;

-- name: unanswered
-- Among so many events those that got no answer, though somebody may have waited for one.
SELECT e.* FROM events e LEFT JOIN turns t ON t.id = e.turn
WHERE e.id > (SELECT coalesce(max(id), 0) FROM events) - :looked_at
  AND (e.state IN ('late', 'refused', 'undecodable')
       OR (t.state <> 'waiting' AND substr(t.reason, 1, instr(t.reason || ' ', ' ') - 1) IN (
         'no_answer', 'handler_error', 'handler_timeout', 'handler_missing', 'interrupted')))
ORDER BY e.id DESC LIMIT :limit;

-- name: ends
-- Behind the newest event, and behind the newest delivery.
SELECT (SELECT coalesce(max(id), 0) + 1 FROM events),
       (SELECT coalesce(max(id), 0) + 1 FROM deliveries);

-- name: search_events
-- Among so many events those whose record has these letters anywhere; the caller looks closer.
SELECT * FROM events
WHERE id < :below AND id >= :below - :looked_at
  AND body LIKE :pattern ESCAPE '^'
ORDER BY id DESC LIMIT :limit;

-- name: search_deliveries
-- Among so many deliveries those whose record has these letters anywhere.
SELECT * FROM deliveries
WHERE id < :below AND id >= :below - :looked_at
  AND content LIKE :pattern ESCAPE '^'
ORDER BY id DESC LIMIT :limit;
