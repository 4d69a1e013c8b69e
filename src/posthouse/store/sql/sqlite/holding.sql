-- name: house
-- Whether the house is held, and since which snapshot.
SELECT is_held, snapshot_at FROM house;

-- name: held
-- What waits to be sent and no operator has decided about, oldest first; of a growing message its
-- final words only, if it has them already.
SELECT d.id, d.bot, d.chat, c.title, d.state, d.content, d.queued_at
FROM deliveries d JOIN chats c ON c.id = d.chat
WHERE d.state IN ('queued', 'sending', 'unknown') AND NOT d.is_cleared
  AND d.id NOT IN (
    SELECT s.target FROM deliveries s
    WHERE s.state IN ('queued', 'sending', 'unknown') AND NOT s.is_cleared
      AND s.target IS NOT NULL)
ORDER BY +d.id LIMIT :limit;

-- name: undecided
-- Whether anything is left to decide.
SELECT 1 FROM deliveries d
WHERE d.state IN ('queued', 'sending', 'unknown') AND NOT d.is_cleared LIMIT 1;

-- name: chosen
-- The undecided among some deliveries, or all of them, each with the growing message it settles.
SELECT d.* FROM deliveries d
WHERE d.state IN ('queued', 'sending', 'unknown') AND NOT d.is_cleared
  AND (:chosen IS NULL
    OR d.id IN (SELECT value FROM json_each(:chosen))
    OR d.id IN (
      SELECT s.target FROM deliveries s
      WHERE s.id IN (SELECT value FROM json_each(:chosen)) AND s.target IS NOT NULL))
ORDER BY +d.id;

-- name: clear
-- An operator lets a delivery leave.
UPDATE deliveries SET is_cleared = 1 WHERE id = :delivery;

-- name: release
-- The house speaks again.
UPDATE house SET is_held = 0;
