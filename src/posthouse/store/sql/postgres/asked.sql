-- name: taken_back
-- As on SQLite, where what is no number is 0.
SELECT DISTINCT a.turn, a.text, a.at, a.is_addressed
FROM deliveries d
JOIN asked a ON a.turn =
  CASE WHEN d.origin ~ '^turn:[0-9]{1,18}$' THEN substr(d.origin, 6)::int8 END
JOIN asked_bases b ON b.base = :base AND b.turn = a.turn
WHERE d.state = 'withdrawn' AND a.answer <> '' AND a.verdict = ''
  AND NOT EXISTS (SELECT 1 FROM turns t WHERE t.replaces = a.turn)
ORDER BY a.turn DESC LIMIT :limit;
