-- name: answers
-- As on SQLite.
WITH RECURSIVE chain (id, age) AS (
  SELECT :turn::int8, 0
  UNION ALL
  SELECT t.replaces, chain.age + 1 FROM chain JOIN turns t ON t.id = chain.id
  WHERE t.replaces IS NOT NULL AND chain.age < 20)
SELECT d.* FROM chain JOIN deliveries d ON d.origin = 'turn:' || chain.id
ORDER BY chain.age DESC, d.ordinal, d.part;
