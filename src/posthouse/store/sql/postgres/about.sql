-- name: of_lane
-- The chat of a lane.
SELECT chat FROM lanes WHERE lane = :lane;

-- name: of_turn
-- The chat of a turn.
SELECT chat FROM turns WHERE id = :turn;

-- name: of_deliveries
-- The chats of deliveries.
SELECT DISTINCT chat FROM deliveries
WHERE id = ANY (ARRAY(SELECT json_array_elements_text(:deliveries::json)::int8));

-- name: of_undecided
-- The chats with something that an operator has to decide about.
SELECT DISTINCT chat FROM deliveries
WHERE state IN ('queued', 'sending', 'unknown') AND NOT is_cleared;

-- name: of_push
-- The chats that a push goes to.
SELECT DISTINCT (target ->> 'chat')::int8
FROM pushes, json_array_elements(targets::json) AS target WHERE id = :push;

-- name: of_gateway
-- The chats of lanes that earlier epochs of a gateway hold, and of messages that are unclear: their
-- wait begins anew when it enters.
SELECT l.chat FROM lanes l JOIN gateways g ON g.id = l.owner WHERE g.name = :name
UNION
SELECT chat FROM deliveries WHERE state IN ('queued', 'sending', 'unknown') AND state = 'unknown';

-- name: of_overdue
-- The chats of lanes that gateways hold whose time is up.
SELECT DISTINCT l.chat FROM lanes l JOIN gateways g ON g.id = l.owner WHERE g.until_at <= lease_clock(:now);
