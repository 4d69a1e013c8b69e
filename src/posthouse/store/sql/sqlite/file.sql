-- name: tables
-- How many tables a file has that does not say whose it is.
SELECT count(*) FROM sqlite_schema;

-- name: copy
-- Write a compact copy; pages of deleted rows are not in it.
VACUUM INTO :target;

-- name: stamp
-- Let a backup remember when it was taken.
UPDATE house SET taken_at = :now;

-- name: taken_at
-- When this backup was taken.
SELECT taken_at FROM house;

-- name: hold
-- A restored house says nothing before an operator has looked.
UPDATE house SET is_held = 1, snapshot_at = :snapshot_at, taken_at = NULL;
