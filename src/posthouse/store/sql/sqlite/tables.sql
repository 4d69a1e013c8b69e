-- name: rows
-- Everything in a table; {table} and {order} are filled in from a list of our own.
SELECT * FROM {table} ORDER BY {order};

-- name: count
-- How many rows there are.
SELECT count(*) FROM {table};

-- name: put
-- One more row; {places} has one mark for each column.
INSERT INTO {table} VALUES ({places});

-- name: forget_house
-- The row that every new book has.
DELETE FROM house;

-- name: last_numbers
-- The last numbers given in tables that never give one twice.
SELECT name, seq FROM sqlite_sequence;

-- name: begin
-- Read everything as it is at one moment, or write all or nothing.
BEGIN;

-- name: commit
-- It is whole.
COMMIT;

-- name: go_on_after
-- Give the next row a greater number, where none is ever given twice.
INSERT INTO sqlite_sequence (name, seq)
SELECT name, :number FROM sqlite_schema WHERE name = :table AND sql LIKE '%AUTOINCREMENT%';

-- name: forget_numbers
-- Where it went on before.
DELETE FROM sqlite_sequence WHERE name = :table;
