-- name: look
-- All there is to know before an event is written: the event that had its key first, whether the
-- recall of this message was faster, how long the queue of its lane is (without what is being worked
-- on), whether people were told that it is full, and the chat.
SELECT (SELECT s.event FROM seen s WHERE s.bot = :bot AND s.key = :key),
       EXISTS (SELECT 1 FROM seen r WHERE r.bot = :bot AND r.key = :recall),
       coalesce(l.waiting - (l.owner IS NOT NULL AND l.current IS NOT NULL), 0), l.is_overloaded,
       c.*
FROM chats c LEFT JOIN lanes l ON l.lane = :lane WHERE c.id = :chat;

-- name: remember
-- Recognise this key from now on.
INSERT INTO seen (bot, key, event, at) VALUES (:bot, :key, :event, :now);

-- name: first
-- What was said about the first delivery of a repeated event, and whether its turn has ended.
SELECT e.state, e.reason, e.turn, e.slot_body, t.state <> 'waiting'
FROM events e LEFT JOIN turns t ON t.id = e.turn WHERE e.id = :event;

-- name: enter
-- Write an event into the book.
INSERT INTO events (
  chat, kind, key, message_id, entrance, platform_at, accepted_at, state, reason, turn, is_part,
  has_slot, body)
VALUES (
  :chat, :kind, :key, :message_id, :entrance, :platform_at, :now, :state, :reason, :turn, :is_part,
  :has_slot, :body);

-- name: last_turn
-- The newest waiting turn of a lane that nobody works on: the one that a new event may join, unless
-- an order was given in between, which may be to stop what was asked before it.
SELECT t.id, t.handler, t.burst_until_at, t.accepted_at, t.event_count
FROM turns t JOIN lanes l ON l.lane = t.lane
WHERE t.lane = :lane AND t.state = 'waiting' AND t.id IS NOT l.current
  AND NOT EXISTS (SELECT 1 FROM turns o
                  WHERE o.lane = 'c:' || t.chat AND o.state = 'waiting' AND o.id > t.id
                    AND o.handler NOT IN ('away', 'recall_report'))
ORDER BY t.place DESC LIMIT 1;

-- name: join
-- One more event for a waiting turn.
UPDATE turns SET
  burst_until_at = :burst_until_at, event_count = event_count + 1, person = :person
WHERE id = :turn;

-- name: put_turn
-- A new turn at the end of its lane.
INSERT INTO turns (
  lane, place, chat, session, handler, person, on_edit, accepted_at, burst_until_at, event_count,
  replaces, answer)
VALUES (
  :lane, (SELECT coalesce(max(id), 0) + 1 FROM turns), :chat, :session, :handler, :person, :on_edit,
  :now, :burst_until_at, 1, :replaces, :answer);

-- name: overload
-- Remember whether people were told that a lane is full.
UPDATE lanes SET is_overloaded = :is_overloaded WHERE lane = :lane;

-- name: is_known_message
-- Whether a message stands in the book.
SELECT 1 FROM events WHERE chat = :chat AND message_id = :message_id AND message_id <> '' AND kind = 'message' LIMIT 1;

-- name: edited
-- The newest words of a message that a turn was given, and whether that turn is running.
SELECT e.id, e.body, t.id, t.state, t.on_edit, t.lane, l.owner IS NOT NULL AND l.current IS t.id
FROM events e JOIN turns t ON t.id = e.turn JOIN lanes l ON l.lane = t.lane
WHERE e.chat = :chat AND e.message_id = :message_id AND e.message_id <> '' AND e.kind IN ('message', 'edited')
  AND e.state = 'routed' AND e.is_part
ORDER BY e.id DESC LIMIT 1;

-- name: replace_words
-- Put the new words of a message in the place of the old ones.
UPDATE events SET body = :body WHERE id = :event;

-- name: want_rerun
-- Let a running turn start again with what it is given now, unless it is to stop altogether.
UPDATE turns SET wanted = 'rerun' WHERE id = :turn AND wanted = '';

-- name: question
-- What an answer answers.
SELECT state, expires_at, answered_by FROM questions WHERE id = :question;

-- name: answer
-- The first answer closes a question.
UPDATE questions SET answered_by = :event WHERE id = :question;
