-- name: sample
-- As on SQLite.
SELECT t.reason, d.settled_at - e.accepted_at
FROM events e
JOIN turns t ON t.id = e.turn
LEFT JOIN deliveries d ON d.origin = 'turn:' || t.id AND d.ordinal = 0 AND d.part = 0
  AND d.state = 'sent'
WHERE e.id >= greatest(:first, :behind - 500) AND e.id < :behind
  AND e.state = 'routed' AND e.kind IN ('message', 'edited')
  AND t.state <> 'waiting' AND t.handler NOT IN ('control', 'away', 'recall_report')
ORDER BY e.id DESC LIMIT :limit;
