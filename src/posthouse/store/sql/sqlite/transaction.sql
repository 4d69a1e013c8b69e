-- name: begin
-- Open the one transaction of a batch; we are the only writer, so this never waits for another.
BEGIN IMMEDIATE;

-- name: commit
-- Make the batch durable.
COMMIT;

-- name: rollback
-- Undo the batch.
ROLLBACK;

-- name: savepoint
-- Set one operation apart from its neighbours.
SAVEPOINT operation;

-- name: release
-- Keep what the operation wrote.
RELEASE operation;

-- name: undo
-- Undo the one operation; its savepoint stays open and is released next.
ROLLBACK TO operation;
