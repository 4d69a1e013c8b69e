-- Leases are told by one clock, the database's: a gateway whose own clock is wrong neither outlives
-- its time nor ends that of others. What the caller's clock says is for tests that own the time.

CREATE FUNCTION lease_clock(callers FLOAT8) RETURNS FLOAT8 LANGUAGE sql STABLE
AS 'SELECT extract(epoch FROM clock_timestamp())::float8';
