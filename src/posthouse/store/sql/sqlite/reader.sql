-- name: event
-- An event.
SELECT * FROM events WHERE id = :event;

-- name: turn
-- A turn, and whether its lane is working on it.
SELECT t.id, t.lane, t.session, t.handler, t.state, t.reason, t.accepted_at, t.started_at,
       t.finished_at, CASE WHEN l.current IS t.id THEN l.tries ELSE t.tries END,
       l.owner IS NOT NULL AND l.current IS t.id, t.notes
FROM turns t LEFT JOIN lanes l ON l.lane = t.lane WHERE t.id = :turn;

-- name: deliveries
-- What a turn said.
SELECT * FROM deliveries WHERE origin = 'turn:' || :turn ORDER BY ordinal, part;

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
