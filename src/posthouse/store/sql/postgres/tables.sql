-- name: begin_reading
-- See everything as it is at one moment.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- name: begin_writing
-- All of it or nothing.
BEGIN;

-- name: commit
-- It is whole.
COMMIT;

-- name: hold_what_was_restored
-- A book that comes from a backup has forgotten what it answered since: it says nothing before an
-- operator has looked.
UPDATE house SET is_held = TRUE, snapshot_at = taken_at, taken_at = NULL WHERE taken_at IS NOT NULL;

-- name: rows
-- Everything in a table; {table} and {order} are filled in from a list of our own.
SELECT * FROM {table} ORDER BY {order};

-- name: count
-- How many rows there are.
SELECT count(*) FROM {table};

-- name: has_rows
-- Whether there is any.
SELECT EXISTS (SELECT 1 FROM {table});

-- name: put
-- Take rows in, many at a time.
COPY {table} FROM STDIN;

-- name: forget_house
-- The row that every new book has.
DELETE FROM house;

-- name: numbered
-- The numbered tables, with the last number each has given.
SELECT t.relname, coalesce(q.last_value, 0)
FROM pg_class s
JOIN pg_depend d ON d.objid = s.oid AND d.deptype = 'i' AND d.classid = 'pg_class'::regclass
JOIN pg_class t ON t.oid = d.refobjid
JOIN pg_sequences q ON q.sequencename = s.relname AND q.schemaname = current_schema()
WHERE s.relkind = 'S' AND s.relnamespace = current_schema()::regnamespace;

-- name: go_on_after
-- Give the next row a greater number than any before.
SELECT setval(pg_get_serial_sequence('{table}', '{number}'), greatest(
  :given, (SELECT coalesce(max({number}), 0) FROM {table})) + 1, FALSE);

-- name: living
-- Whose lease is not over.
SELECT name FROM gateways WHERE until_at > lease_clock(:now) ORDER BY name;
