-- name: add_base
-- As on SQLite.
INSERT INTO bases (name, revision, changed_at)
SELECT :name::text, coalesce(max(r.revision), 0), :now
FROM documents_removed r WHERE r.base = :name::text
ON CONFLICT (name) DO NOTHING;
