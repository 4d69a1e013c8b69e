-- name: chosen
-- As on SQLite.
SELECT d.* FROM deliveries d
WHERE d.state IN ('queued', 'sending', 'unknown') AND NOT d.is_cleared
  AND (:chosen::text IS NULL
    OR d.id IN (SELECT json_array_elements_text(:chosen::json)::int8)
    OR d.id IN (
      SELECT s.target FROM deliveries s
      WHERE s.id IN (SELECT json_array_elements_text(:chosen::json)::int8)
        AND s.target IS NOT NULL))
ORDER BY d.id;

-- name: clear
-- As on SQLite.
UPDATE deliveries SET is_cleared = TRUE WHERE id = :delivery;

-- name: release
-- As on SQLite.
UPDATE house SET is_held = FALSE;
