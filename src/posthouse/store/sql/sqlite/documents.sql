-- name: bases
-- All knowledge bases, with what is in them.
SELECT name, revision, documents, size_bytes, changed_at FROM bases ORDER BY name LIMIT :limit;

-- name: base
-- A knowledge base, with what is in it.
SELECT name, revision, documents, size_bytes, changed_at FROM bases WHERE name = :name;

-- name: revision
-- How often a base has changed.
SELECT revision FROM bases WHERE name = :name;

-- name: add_base
-- A new base goes on behind what indexes remember of one that had its name.
INSERT INTO bases (name, revision, changed_at)
SELECT :name, coalesce(max(r.revision), 0), :now FROM documents_removed r WHERE r.base = :name
ON CONFLICT (name) DO NOTHING;

-- name: change_base
-- A base has changed.
UPDATE bases SET
  revision = :revision, changed_at = :now,
  documents = documents + :more, size_bytes = size_bytes + :more_bytes
WHERE name = :name;

-- name: remove_base
-- Forget a base.
DELETE FROM bases WHERE name = :name;

-- name: remove_sources
-- Forget where the documents of a base come from.
DELETE FROM sources WHERE base = :base;

-- name: add_source
-- A source; one that is known gets the new options.
INSERT INTO sources (base, kind, place, options, added_at)
VALUES (:base, :kind, :place, :options, :now)
ON CONFLICT (base, kind, place) DO UPDATE SET options = excluded.options;

-- name: source_at
-- The source of a place.
SELECT id FROM sources WHERE base = :base AND kind = :kind AND place = :place;

-- name: sources
-- The sources of a base.
SELECT id, base, kind, place, options, added_at, checked_at, problem FROM sources
WHERE base = :base ORDER BY id LIMIT :limit;

-- name: all_sources
-- All sources.
SELECT id, base, kind, place, options, added_at, checked_at, problem FROM sources
ORDER BY id LIMIT :limit;

-- name: base_of_source
-- The base that a source belongs to.
SELECT base FROM sources WHERE id = :source;

-- name: checked
-- A source was looked through.
UPDATE sources SET checked_at = :now, problem = :problem WHERE id = :source;

-- name: remove_source
-- Forget a source.
DELETE FROM sources WHERE id = :source;

-- name: size_at
-- How large the document is that was read in a place before.
SELECT size_bytes FROM documents WHERE base = :base AND source = :source AND path = :path;

-- name: put
-- A document as it was read; it replaces what was read before in the same place.
INSERT INTO documents (
  base, source, path, title, hash, format, size_bytes, problem, changed_at, revision, body
)
VALUES (
  :base, :source, :path, :title, :hash, :format, :size_bytes, :problem, :now, :revision, :body
)
ON CONFLICT (base, source, path) DO UPDATE SET
  title = excluded.title, hash = excluded.hash, format = excluded.format,
  size_bytes = excluded.size_bytes, problem = excluded.problem, changed_at = excluded.changed_at,
  revision = excluded.revision, body = excluded.body;

-- name: ids_of_source
-- The documents of a source.
SELECT id FROM documents WHERE base = :base AND source = :source;

-- name: ids_of_base
-- The documents of a base.
SELECT id FROM documents WHERE base = :base;

-- name: remove
-- Forget a document.
DELETE FROM documents WHERE base = :base AND id = :document RETURNING size_bytes;

-- name: removed
-- Let indexes forget a document.
INSERT INTO documents_removed (base, revision, document) VALUES (:base, :revision, :document);

-- name: documents
-- The documents of a base, by source and path.
SELECT id, base, source, path, title, hash, format, size_bytes, problem, changed_at, revision
FROM documents WHERE base = :base AND path > :after ORDER BY source, path LIMIT :limit;

-- name: documents_of
-- The documents of one source, by path.
SELECT id, base, source, path, title, hash, format, size_bytes, problem, changed_at, revision
FROM documents WHERE base = :base AND source = :source AND path > :after ORDER BY path LIMIT :limit;

-- name: document
-- A document with its body.
SELECT id, base, source, path, title, hash, format, size_bytes, problem, changed_at, revision, body
FROM documents WHERE id = :document;

-- name: reached
-- The newest revision of a base, also of one that is gone.
SELECT coalesce(
  (SELECT revision FROM bases WHERE name = :base),
  (SELECT max(revision) FROM documents_removed WHERE base = :base),
  0);

-- name: changes
-- What was put behind a revision.
SELECT id, base, source, path, title, hash, format, size_bytes, problem, changed_at, revision, body
FROM documents WHERE base = :base AND revision > :after AND revision <= :until
ORDER BY revision LIMIT :limit;

-- name: removals
-- What was removed behind a revision.
SELECT document, revision FROM documents_removed
WHERE base = :base AND revision > :after AND revision <= :until ORDER BY revision LIMIT :limit;

-- name: quarantine
-- Nobody is told a passage any more.
INSERT INTO quarantined (base, passage, author, at) VALUES (:base, :passage, :author, :now)
ON CONFLICT (base, passage) DO NOTHING;

-- name: release
-- A passage may be told again.
DELETE FROM quarantined WHERE base = :base AND passage = :passage;

-- name: quarantined
-- The passages that nobody is told.
SELECT passage FROM quarantined WHERE base = :base LIMIT :limit;
