-- name: begin
-- Open the one transaction of a batch; each statement sees what others have committed before it.
BEGIN ISOLATION LEVEL READ COMMITTED;

-- name: commit
-- Make the batch durable.
COMMIT;

-- name: rollback
-- Undo the batch.
ROLLBACK;

-- name: lock
-- Wait until nobody else writes about these things, in one order for all, and keep others waiting
-- until the end of the transaction. Lock 0 is held by all who write, together (`newest_numbers`).
SELECT pg_advisory_xact_lock_shared(0), (
  SELECT count(pg_advisory_xact_lock(thing))
  FROM unnest(ARRAY(SELECT json_array_elements_text(:things::json)::int8)) AS thing);
