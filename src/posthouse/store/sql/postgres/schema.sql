-- name: alone
-- One gateway migrates, the others wait. The number is "post", as in the files of SQLite.
SELECT pg_advisory_xact_lock(1886352244);

-- name: versions
-- Which migrations were applied, and when.
CREATE TABLE IF NOT EXISTS schema_versions (
  number     BIGINT PRIMARY KEY,
  name       TEXT NOT NULL,
  applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- name: version
-- The newest of them.
SELECT coalesce(max(number), 0) FROM schema_versions;

-- name: done
-- One was applied.
INSERT INTO schema_versions (number, name) VALUES (:number, :name);
