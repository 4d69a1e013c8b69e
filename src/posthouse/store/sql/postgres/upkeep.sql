-- name: prune_once
-- As on SQLite.
DELETE FROM once
WHERE turn = ANY (ARRAY(SELECT json_array_elements_text(:turns::json)::int8));

-- name: prune_lanes
-- As on SQLite; a lane that somebody writes to at this moment is looked at next time.
DELETE FROM lanes WHERE lane IN (
    SELECT l.lane FROM lanes l
    WHERE l.lane IN (
        SELECT m.lane FROM lanes m WHERE m.lane > :after AND m.kind = 't'
        ORDER BY m.lane LIMIT :rows_max)
      AND l.waiting = 0 AND l.current IS NULL AND l.owner IS NULL
      AND NOT EXISTS (SELECT 1 FROM turns t WHERE t.session = substr(l.lane, 3))
    FOR UPDATE SKIP LOCKED);

-- name: lanes_after
-- As on SQLite.
SELECT max(lane), count(*) FROM (
  SELECT l.lane FROM lanes l WHERE l.lane > :after AND l.kind = 't'
  ORDER BY l.lane LIMIT :rows_max) AS looked_at;

-- name: give_back
-- PostgreSQL gives room back by itself.
SELECT 1;

-- name: miscounted_turns
-- As on SQLite.
SELECT lane, waiting, found FROM (
  SELECT l.lane, l.waiting, (
    SELECT count(*) FROM turns t WHERE t.lane = l.lane AND t.state = 'waiting') AS found
  FROM lanes l WHERE l.kind IN ('t', 'c')) AS counted
WHERE waiting <> found;

-- name: miscounted_sends
-- As on SQLite.
SELECT lane, waiting, found FROM (
  SELECT l.lane, l.waiting, (
    SELECT count(*) FROM deliveries d
    WHERE d.chat = l.chat AND d.state IN ('queued', 'sending', 'unknown')) AS found
  FROM lanes l WHERE l.kind = 's') AS counted
WHERE waiting <> found;

-- name: miscounted_amends
-- As on SQLite.
SELECT lane, waiting, found FROM (
  SELECT l.lane, l.waiting, (
    SELECT count(*) FROM amends m WHERE m.chat = l.chat AND m.state = 'queued') AS found
  FROM lanes l WHERE l.kind = 'a') AS counted
WHERE waiting <> found;

-- name: two_unclear
-- As on SQLite.
SELECT chat, count(*) FILTER (WHERE state <> 'queued') FROM deliveries
WHERE state IN ('queued', 'sending', 'unknown')
GROUP BY chat HAVING count(*) FILTER (WHERE state <> 'queued') > 1;

-- name: miscounted_recalls
-- As on SQLite.
SELECT id, pending, found FROM (
  SELECT r.id, r.pending, (SELECT count(*) FROM deliveries d WHERE d.recall = r.id) AS found
  FROM recalls r) AS counted
WHERE pending <> found;

-- name: miscounted_bases
-- As on SQLite.
SELECT name, documents, found FROM (
  SELECT b.name, b.documents, (SELECT count(*) FROM documents d WHERE d.base = b.name) AS found
  FROM bases b) AS counted
WHERE documents <> found;

-- name: size
-- The room that the tables and their indexes take.
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::int8 FROM pg_class c
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace;
