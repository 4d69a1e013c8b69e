-- name: messages
-- Every message that was accepted, in that order: what was decided, and the turn that answers it.
SELECT c.bot, e.message_id, e.state, e.reason, e.turn
FROM events e JOIN chats c ON c.id = e.chat
WHERE e.message_id <> '' AND e.kind = 'message'
ORDER BY e.id;

-- name: deliveries
-- Everything that was to be said.
SELECT d.bot, d.key, d.origin, d.kind, d.state, d.may_be_duplicate, d.unclear_calls,
  coalesce(json_extract(d.content, '$.text'), ''), c.platform_id
FROM deliveries d JOIN chats c ON c.id = d.chat;

-- name: unrest
-- How much is still to be done.
SELECT (SELECT count(*) FROM turns WHERE state = 'waiting')
     + (SELECT count(*) FROM deliveries WHERE state IN ('queued', 'sending', 'unknown', 'withdrawing'))
     + (SELECT count(*) FROM amends WHERE state = 'queued');

-- name: caught
-- What the last process was doing when it died: running turns, messages on their way.
SELECT (SELECT count(*) FROM lanes WHERE owner IS NOT NULL AND kind IN ('t', 'c')),
       (SELECT count(*) FROM deliveries WHERE state = 'sending');

-- name: undecodable
-- How many payloads nobody could read.
SELECT count(*) FROM events WHERE state = 'undecodable';
