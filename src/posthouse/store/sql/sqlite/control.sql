-- name: recall_of
-- The recall that a control turn asked for.
SELECT id, chat, dropped, cancelled, pending, withdrawn, kept, doubtful, kept_reasons
FROM recalls WHERE turn = :turn;

-- name: recall
-- How far a recall has come.
SELECT id, chat, dropped, cancelled, pending, withdrawn, kept, doubtful, kept_reasons
FROM recalls WHERE id = :recall;

-- name: put_recall
-- Begin a recall.
INSERT INTO recalls (chat, turn, at) VALUES (:chat, :turn, :now) RETURNING id;

-- name: begin_recall
-- What a recall did at once, and for how many outcomes it waits.
UPDATE recalls SET
  dropped = :dropped, cancelled = :cancelled, pending = :pending, kept = :kept,
  doubtful = :doubtful, kept_reasons = :kept_reasons
WHERE id = :recall;

-- name: in_scope
-- What was said in a chat and may be taken back. Reactions are not words; of a growing message and
-- its final words only one is taken back; a message is older than its sending by a day at most.
SELECT d.* FROM deliveries d
WHERE d.chat = :chat AND d.put_at >= :since_at - 86400
  AND (d.put_at >= :since_at OR d.settled_at >= :since_at
       OR d.state IN ('queued', 'sending', 'unknown'))
  AND d.state IN ('queued', 'sending', 'unknown', 'sent', 'doubtful', 'withdrawing')
  AND d.recall IS NULL AND NOT d.is_report AND d.kind <> 'react'
  AND (d.person = :person OR :person IS NULL)
  AND NOT (d.kind = 'draft' AND EXISTS (
    SELECT 1 FROM deliveries s
    WHERE s.target = d.id AND s.state NOT IN ('queued', 'failed', 'dropped')))
ORDER BY d.id LIMIT :limit;

-- name: running
-- Turns that gateways are running in a chat.
SELECT l.current, t.person FROM lanes l JOIN turns t ON t.id = l.current
WHERE l.owner IS NOT NULL AND l.kind = 't' AND l.chat = :chat;

-- name: want
-- Let a running turn stop, or start again; who wants it to stop is not overruled.
UPDATE turns SET wanted = :wanted, wanted_reason = :reason
WHERE id = :turn AND wanted <> 'cancel';

-- name: first_of_key
-- The event under a key.
SELECT event FROM seen WHERE bot = :bot AND key = :key;

-- name: chat
-- What a chat is called on its platform.
SELECT bot, platform_id FROM chats WHERE id = :chat;

-- name: message_id
-- The platform's id of an event's message.
SELECT message_id FROM events WHERE id = :event;

-- name: words_of
-- A message and its edits, with the turns they were given to.
SELECT e.id, t.id, t.lane, t.state, l.owner IS NOT NULL AND l.current IS t.id
FROM events e LEFT JOIN turns t ON t.id = e.turn AND e.is_part LEFT JOIN lanes l ON l.lane = t.lane
WHERE e.chat = :chat AND e.message_id = :message_id AND e.message_id <> '' AND e.kind IN ('message', 'edited')
  AND e.state <> 'recalled';

-- name: take_words
-- The author took this back: no turn is given it any more.
UPDATE events SET state = 'recalled', reason = 'recalled', is_part = 0 WHERE id = :event;

-- name: parts_left
-- How many events a turn still has, and those of turns that it replaces do not count.
SELECT count(*) FROM events WHERE turn = :turn AND is_part;

-- name: one_less
-- A waiting turn has lost an event.
UPDATE turns SET event_count = event_count - 1 WHERE id = :turn;

-- name: covers_others
-- Whether a turn is the one line about late messages, and other messages still stand behind it.
SELECT 1 FROM turns t WHERE t.id = :turn AND t.handler = 'away'
  AND EXISTS (SELECT 1 FROM events e WHERE e.turn = t.id AND e.is_part);

-- name: answers
-- The deliveries of a turn.
SELECT d.* FROM deliveries d WHERE d.origin = :origin ORDER BY d.ordinal, d.part;

-- name: waiting_in
-- Turns that wait in a lane and are not running, up to the one that asks, and whether something of
-- each was said before a crash.
SELECT t.id, EXISTS (SELECT 1 FROM deliveries d WHERE d.origin = 'turn:' || t.id)
FROM turns t JOIN lanes l ON l.lane = t.lane
WHERE t.lane = :lane AND t.state = 'waiting' AND (:before IS NULL OR t.id < :before) AND NOT (l.owner IS NOT NULL AND l.current IS t.id);

-- name: unfinished
-- The lane of a turn that is not over, and whether it is running or has said something.
SELECT t.lane, (l.owner IS NOT NULL AND l.current IS t.id)
            OR EXISTS (SELECT 1 FROM deliveries d WHERE d.origin = 'turn:' || t.id)
FROM turns t JOIN lanes l ON l.lane = t.lane
WHERE t.id = :turn AND t.chat = :chat AND t.state = 'waiting';

-- name: running_in
-- The turn that a lane is running.
SELECT current FROM lanes WHERE lane = :lane AND owner IS NOT NULL AND current IS NOT NULL;

-- name: running_anew
-- The turn that a lane is running, if an edit of its message would begin it anew.
SELECT t.id FROM lanes l JOIN turns t ON t.id = l.current
WHERE l.lane = :lane AND l.owner IS NOT NULL AND t.on_edit = 'rerun';

-- name: forget
-- Let the history of a session begin after an event.
INSERT INTO sessions (session, forget_at, forget_event) VALUES (:session, :now, :event)
ON CONFLICT (session) DO UPDATE SET
  forget_at = excluded.forget_at, forget_event = excluded.forget_event;
