-- How much is in a base stands beside its name: it is asked for at every question.

ALTER TABLE bases ADD COLUMN documents INTEGER NOT NULL DEFAULT 0;
ALTER TABLE bases ADD COLUMN size_bytes INTEGER NOT NULL DEFAULT 0;

UPDATE bases SET
  documents = (SELECT count(*) FROM documents d WHERE d.base = bases.name),
  size_bytes = (SELECT coalesce(sum(d.size_bytes), 0) FROM documents d WHERE d.base = bases.name);

DROP INDEX documents_measured;
