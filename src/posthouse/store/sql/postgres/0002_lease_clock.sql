-- Leases are told by one clock, the database's: a gateway whose own clock is wrong neither outlives
-- its time nor ends that of others. What the caller's clock says is for tests that own the time. (A clock that called itself stable would not become part
-- of the statement that asks it, and be planned anew each time.)

CREATE FUNCTION lease_clock(callers FLOAT8) RETURNS FLOAT8 LANGUAGE sql VOLATILE
AS 'SELECT extract(epoch FROM clock_timestamp())::float8';
