-- name: newest
-- The newest number of each kind of row.
SELECT (SELECT coalesce(max(id), 0) FROM events), (SELECT coalesce(max(id), 0) FROM turns),
       (SELECT coalesce(max(id), 0) FROM deliveries), (SELECT coalesce(max(id), 0) FROM amends);

-- name: open_now
-- What is not over: turns, deliveries and amends by kind.
SELECT 'turn', id FROM turns WHERE state = 'waiting'
UNION ALL
SELECT 'delivery', id FROM deliveries WHERE state IN ('queued', 'sending', 'unknown')
UNION ALL
SELECT 'amend', id FROM amends WHERE state = 'queued'
LIMIT :limit;

-- name: new_events
-- Events after a number, up to another one: what is newer may not be all there yet.
SELECT id, chat, state FROM events WHERE id > :after AND id <= :upto ORDER BY id LIMIT :limit;

-- name: new_turns
-- Turns after a number.
SELECT id, id, chat, state, state = 'waiting' FROM turns WHERE id > :after AND id <= :upto ORDER BY id LIMIT :limit;

-- name: open_turns
-- What became of these turns.
SELECT id, id, chat, state, state = 'waiting' FROM turns
WHERE id IN (SELECT value FROM json_each(:numbers));

-- name: new_deliveries
-- Deliveries after a number.
SELECT id, id, chat, state, state IN ('queued', 'sending', 'unknown', 'withdrawing')
FROM deliveries WHERE id > :after AND id <= :upto ORDER BY id LIMIT :limit;

-- name: open_deliveries
-- What became of these deliveries.
SELECT id, id, chat, state, state IN ('queued', 'sending', 'unknown', 'withdrawing')
FROM deliveries WHERE id IN (SELECT value FROM json_each(:numbers));

-- name: new_amends
-- Edits and withdrawals after a number.
SELECT m.id, m.delivery, m.chat, d.state, m.state IN ('queued', 'parked')
FROM amends m JOIN deliveries d ON d.id = m.delivery
WHERE m.id > :after AND m.id <= :upto ORDER BY m.id LIMIT :limit;

-- name: open_amends
-- What became of these edits and withdrawals.
SELECT m.id, m.delivery, m.chat, d.state, m.state IN ('queued', 'parked')
FROM amends m JOIN deliveries d ON d.id = m.delivery
WHERE m.id IN (SELECT value FROM json_each(:numbers));
