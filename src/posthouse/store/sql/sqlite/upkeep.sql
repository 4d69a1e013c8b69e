-- name: prune_seen
-- Forget keys by age alone.
DELETE FROM seen WHERE (bot, key) IN (
  SELECT s.bot, s.key FROM seen s WHERE s.at < :before ORDER BY s.at LIMIT :rows_max);

-- name: prune_raw
-- Remove payloads that nobody could read.
DELETE FROM events WHERE id IN (
  SELECT e.id FROM events e WHERE e.state = 'undecodable' AND e.accepted_at < :before
    AND e.id < (SELECT max(id) FROM events)
  ORDER BY e.accepted_at LIMIT :rows_max);

-- name: prune_events
-- Remove old events, but none of a turn that waits. Here and below: numbers grow with time, so old
-- rows are those before the first that is young, and nothing young is looked at; and the newest row
-- of each table stays, so that no number is ever given twice.
DELETE FROM events WHERE id IN (
  SELECT o.id FROM events o
  WHERE o.id < coalesce(
      (SELECT n.id FROM events n WHERE n.accepted_at >= :before ORDER BY n.id LIMIT 1),
      (SELECT max(n.id) FROM events n))
    AND NOT EXISTS (SELECT 1 FROM turns t WHERE t.id = o.turn AND t.state = 'waiting')
  ORDER BY o.id LIMIT :rows_max);

-- name: prune_turns
-- Remove old turns that are over.
DELETE FROM turns WHERE id IN (
  SELECT o.id FROM turns o
  WHERE o.id < coalesce(
      (SELECT n.id FROM turns n WHERE n.accepted_at >= :before ORDER BY n.id LIMIT 1),
      (SELECT max(n.id) FROM turns n))
    AND o.state <> 'waiting'
  ORDER BY o.id LIMIT :rows_max)
RETURNING id;

-- name: prune_once
-- The side effects of turns that were removed.
DELETE FROM once WHERE turn IN (SELECT value FROM json_each(:turns));

-- name: prune_deliveries
-- Remove old deliveries that are over and that no recall or edit waits for.
DELETE FROM deliveries WHERE id IN (
  SELECT o.id FROM deliveries o
  WHERE o.id < coalesce(
      (SELECT n.id FROM deliveries n WHERE n.put_at >= :before ORDER BY n.id LIMIT 1),
      (SELECT max(n.id) FROM deliveries n))
    AND o.state NOT IN ('queued', 'sending', 'unknown', 'withdrawing') AND o.recall IS NULL
    AND NOT EXISTS (SELECT 1 FROM amends m
                    WHERE m.delivery = o.id AND m.state IN ('queued', 'parked'))
  ORDER BY o.id LIMIT :rows_max);

-- name: prune_pushes
-- Forget old pushes of which nothing is left.
DELETE FROM pushes WHERE id IN (
  SELECT p.id FROM pushes p
  WHERE p.put_at < :before AND NOT EXISTS (
    SELECT 1 FROM deliveries d WHERE d.origin >= 'push:' || p.token || ':' || p.key
      AND d.origin < 'push:' || p.token || ':' || p.key || '~~')
  ORDER BY p.put_at LIMIT :rows_max);

-- name: prune_amends
-- Remove old amends that are over.
DELETE FROM amends WHERE id IN (
  SELECT o.id FROM amends o
  WHERE o.id < coalesce(
      (SELECT n.id FROM amends n WHERE n.put_at >= :before ORDER BY n.id LIMIT 1),
      (SELECT max(n.id) FROM amends n))
    AND o.state IN ('done', 'refused')
  ORDER BY o.id LIMIT :rows_max);

-- name: prune_questions
-- Remove questions that nobody can answer any more.
DELETE FROM questions WHERE number IN (
  SELECT o.number FROM questions o
  WHERE o.number < coalesce(
      (SELECT n.number FROM questions n WHERE n.expires_at >= :before ORDER BY n.number LIMIT 1),
      (SELECT max(n.number) FROM questions n))
  ORDER BY o.number LIMIT :rows_max);

-- name: prune_recalls
-- Remove old recalls that know all outcomes.
DELETE FROM recalls WHERE id IN (
  SELECT o.id FROM recalls o
  WHERE o.id < coalesce(
      (SELECT n.id FROM recalls n WHERE n.at >= :before ORDER BY n.id LIMIT 1),
      (SELECT max(n.id) FROM recalls n))
    AND o.pending = 0
  ORDER BY o.id LIMIT :rows_max);

-- name: prune_asked
-- Forget what was asked long ago; turns grow with time as well.
DELETE FROM asked WHERE turn IN (
  SELECT o.turn FROM asked o
  WHERE o.turn < coalesce(
      (SELECT n.turn FROM asked n WHERE n.at >= :before ORDER BY n.turn LIMIT 1),
      (SELECT max(n.turn) + 1 FROM asked n))
  ORDER BY o.turn LIMIT :rows_max);

-- name: prune_asked_bases
-- What was searched for questions that are forgotten.
DELETE FROM asked_bases WHERE turn < coalesce((SELECT min(turn) FROM asked), 9223372036854775807);

-- name: prune_asked_passages
-- What their answers rested on.
DELETE FROM asked_passages
WHERE turn < coalesce((SELECT min(turn) FROM asked), 9223372036854775807);

-- name: prune_spending
-- Forget what was spent long ago.
DELETE FROM spending WHERE (turn, call) IN (
  SELECT o.turn, o.call FROM spending o WHERE o.at < :before ORDER BY o.at LIMIT :rows_max);

-- name: prune_trial_spending
-- Forget what was tried long ago.
DELETE FROM trial_spending WHERE id IN (
  SELECT id FROM trial_spending WHERE at < :before ORDER BY at LIMIT :rows_max);

-- name: prune_handoffs
-- Forget handoffs that ended before anything that is remembered was said.
DELETE FROM handoffs WHERE (handler, chat, person) IN (
  SELECT o.handler, o.chat, o.person FROM handoffs o
  WHERE NOT o.is_open AND o.fresh_at < :before ORDER BY o.fresh_at LIMIT :rows_max);

-- name: prune_lanes
-- Remove the idle turn lanes of sessions of which nothing is left, a bounded number at a time from
-- :after on.
DELETE FROM lanes WHERE lane IN (
    SELECT l.lane FROM lanes l WHERE l.lane > :after AND l.kind = 't' ORDER BY l.lane LIMIT :rows_max)
  AND waiting = 0 AND current IS NULL AND owner IS NULL
  AND NOT EXISTS (SELECT 1 FROM turns t WHERE t.session = substr(lanes.lane, 3));

-- name: lanes_after
-- Where the next round of removing lanes begins.
SELECT max(lane), count(*) FROM (
  SELECT l.lane FROM lanes l WHERE l.lane > :after AND l.kind = 't' ORDER BY l.lane LIMIT :rows_max);

-- name: give_back
-- Give at most 500 free pages back to the disk.
PRAGMA incremental_vacuum(500);

-- name: integrity
-- What is wrong with pages, records and indexes; one row "ok" when nothing is.
PRAGMA integrity_check(100);

-- name: miscounted_turns
-- Turn and control lanes whose counter is not the number of their waiting turns.
SELECT l.lane, l.waiting, (
  SELECT count(*) FROM turns t WHERE t.lane = l.lane AND t.state = 'waiting') AS found
FROM lanes l WHERE l.kind IN ('t', 'c') AND l.waiting <> found;

-- name: miscounted_sends
-- Send lanes whose counter is not the number of their open deliveries.
SELECT l.lane, l.waiting, (
  SELECT count(*) FROM deliveries d
  WHERE d.chat = l.chat AND d.state IN ('queued', 'sending', 'unknown')) AS found
FROM lanes l WHERE l.kind = 's' AND l.waiting <> found;

-- name: miscounted_amends
-- Amend lanes whose counter is not the number of their queued amends.
SELECT l.lane, l.waiting, (
  SELECT count(*) FROM amends m WHERE m.chat = l.chat AND m.state = 'queued') AS found
FROM lanes l WHERE l.kind = 'a' AND l.waiting <> found;

-- name: asleep
-- Free lanes that have something to hand out and will never be ready, or the other way round.
SELECT lane, waiting FROM lanes
WHERE owner IS NULL AND (waiting > 0) <> (ready_at IS NOT NULL);

-- name: lost_turns
-- Waiting turns without a lane.
SELECT t.id, t.lane FROM turns t
WHERE t.state = 'waiting' AND NOT EXISTS (SELECT 1 FROM lanes l WHERE l.lane = t.lane);

-- name: lost_deliveries
-- Open deliveries without a lane.
SELECT d.id, d.chat FROM deliveries d
WHERE d.state IN ('queued', 'sending', 'unknown')
  AND NOT EXISTS (SELECT 1 FROM lanes l WHERE l.lane = 's:' || d.chat);

-- name: wrong_current
-- Lanes that work on a turn that does not wait, or that is another lane's.
SELECT l.lane, l.current FROM lanes l
WHERE l.kind IN ('t', 'c') AND l.current IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM turns t WHERE t.id = l.current AND t.lane = l.lane AND t.state = 'waiting');

-- name: two_unclear
-- Chats with more than one delivery that is on its way or unclear.
SELECT chat, sum(state <> 'queued') AS found FROM deliveries
WHERE state IN ('queued', 'sending', 'unknown') GROUP BY chat HAVING found > 1;

-- name: miscounted_recalls
-- Recalls that wait for another number of outcomes than there are.
SELECT r.id, r.pending, (SELECT count(*) FROM deliveries d WHERE d.recall = r.id) AS found
FROM recalls r WHERE r.pending <> found;

-- name: miscounted_bases
-- Bases that say another number of documents than there are.
SELECT b.name, b.documents, (SELECT count(*) FROM documents d WHERE d.base = b.name) AS found
FROM bases b WHERE b.documents <> found;

-- name: turns_waiting
-- Turns that wait or run.
SELECT count(*) FROM turns WHERE state = 'waiting';

-- name: turns_buried
-- Turns that were given up and can be revived.
SELECT count(*) FROM turns WHERE state = 'buried';

-- name: turns_running
-- Turns that gateways run, control turns included.
SELECT count(*) FROM lanes WHERE owner IS NOT NULL AND kind IN ('t', 'c');

-- name: deliveries_open
-- Deliveries on their way, by state.
SELECT state, count(*) FROM deliveries
WHERE state IN ('queued', 'sending', 'unknown') GROUP BY state;

-- name: deliveries_troubled
-- Deliveries that people should look at, by state.
SELECT state, count(*) FROM deliveries
WHERE state IN ('failed', 'doubtful') GROUP BY state;

-- name: amends_waiting
-- Edits and withdrawals on their way.
SELECT count(*) FROM amends WHERE state = 'queued';

-- name: events_undecodable
-- Payloads that nobody could read.
SELECT count(*) FROM events WHERE state = 'undecodable';
