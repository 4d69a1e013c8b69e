-- name: newest
-- The newest number of each kind of row such that no smaller one is still to come: numbers are given
-- in order, but do not become visible in order.
SELECT * FROM newest_numbers();

-- name: open_turns
-- As on SQLite.
SELECT id, id, chat, state, state = 'waiting' FROM turns
WHERE id = ANY (ARRAY(SELECT json_array_elements_text(:numbers::json)::int8)) ORDER BY id;

-- name: open_deliveries
-- As on SQLite.
SELECT id, id, chat, state, state IN ('queued', 'sending', 'unknown', 'withdrawing')
FROM deliveries
WHERE id = ANY (ARRAY(SELECT json_array_elements_text(:numbers::json)::int8)) ORDER BY id;

-- name: open_amends
-- As on SQLite.
SELECT m.id, m.delivery, m.chat, d.state, m.state IN ('queued', 'parked')
FROM amends m JOIN deliveries d ON d.id = m.delivery
WHERE m.id = ANY (ARRAY(SELECT json_array_elements_text(:numbers::json)::int8)) ORDER BY m.id;
