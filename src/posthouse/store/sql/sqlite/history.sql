-- name: forgotten
-- Since when a session remembers.
SELECT forget_at, forget_event FROM sessions WHERE session = :session;

-- name: turns
-- The newest turns of a session that are over; orders to the house are no conversation.
SELECT id FROM turns
WHERE session = :session AND state <> 'waiting' AND lane NOT LIKE 'c:%'
ORDER BY id DESC LIMIT :limit;

-- name: said
-- What people said in a turn, except words that a later edit replaced.
SELECT e.body FROM events e
WHERE e.turn = :turn AND e.is_part AND e.kind IN ('message', 'edited')
  AND (e.accepted_at > :forget_at OR e.id > :forget_event)
  AND NOT EXISTS (
    SELECT 1 FROM events f
    WHERE f.chat = e.chat AND f.message_id = e.message_id AND f.message_id <> '' AND f.id > e.id
      AND f.kind = 'edited' AND f.is_part)
ORDER BY e.id;

-- name: answered
-- What a finished turn answered and was not taken back; a growing message counts with its final
-- words only.
SELECT d.content FROM turns t JOIN deliveries d ON d.origin = 'turn:' || t.id
WHERE t.id = :turn AND t.state = 'finished' AND d.kind IN ('send', 'settle')
  AND d.state NOT IN ('dropped', 'failed', 'withdrawing', 'withdrawn')
ORDER BY d.ordinal, d.part;

-- name: answers
-- The deliveries of a turn in order, after those of the turns it replaced.
WITH RECURSIVE chain (id, age) AS (
  SELECT :turn, 0
  UNION ALL
  SELECT t.replaces, chain.age + 1 FROM chain JOIN turns t ON t.id = chain.id
  WHERE t.replaces IS NOT NULL AND chain.age < 20)
SELECT d.* FROM chain CROSS JOIN deliveries d ON d.origin = 'turn:' || chain.id
ORDER BY chain.age DESC, d.ordinal, d.part;
