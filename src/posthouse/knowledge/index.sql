-- The index of one knowledge base: a file that can be made anew from the documents at any time.

-- name: schema
-- Passages as they are quoted, and two indexes that keep only what is searched: `bigrams` finds
-- words and pairs of characters, `trigrams` any three characters that stand together.
CREATE TABLE state (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  made_by  TEXT NOT NULL,             -- what cut texts into words
  base     TEXT NOT NULL,
  revision INTEGER NOT NULL
) STRICT;
CREATE TABLE documents (
  id          INTEGER PRIMARY KEY,
  exact       TEXT NOT NULL,          -- fingerprint of the question that it answers word for word
  is_unspaced INTEGER NOT NULL        -- written in a script without spaces
) STRICT;
CREATE INDEX documents_exact ON documents (exact) WHERE exact <> '';
CREATE TABLE chunks (
  id       INTEGER PRIMARY KEY,
  document INTEGER NOT NULL,
  path     TEXT NOT NULL,
  hash     TEXT NOT NULL,
  about    TEXT NOT NULL,             -- as it was searched
  opening  TEXT NOT NULL,             -- its heading, and how its section begins; normalised
  passage  TEXT NOT NULL              -- JSON
) STRICT;
CREATE INDEX chunks_by_document ON chunks (document);
CREATE INDEX chunks_by_hash ON chunks (hash, path);
CREATE VIRTUAL TABLE bigrams USING fts5 (
  about, body, content = '', tokenize = "unicode61 remove_diacritics 0 categories 'L* N* M* Co'"
);
CREATE VIRTUAL TABLE trigrams USING fts5 (
  body, content = '', tokenize = 'trigram case_sensitive 1'
);
CREATE VIRTUAL TABLE bigram_terms USING fts5vocab (bigrams, row);
CREATE VIRTUAL TABLE trigram_terms USING fts5vocab (trigrams, row);
CREATE TABLE vectors (
  hash       TEXT NOT NULL,           -- of the passage's text
  model      TEXT NOT NULL,
  dimensions INTEGER NOT NULL,
  signs      BLOB NOT NULL,           -- a bit of each number
  vector     BLOB NOT NULL,           -- the numbers, four bytes each
  PRIMARY KEY (model, hash)
) STRICT;
CREATE INDEX vectors_signs ON vectors (model, dimensions, hash, signs);

-- name: begin
-- Everything up to the commit, or nothing of it.
BEGIN IMMEDIATE;

-- name: commit
-- All of it.
COMMIT;

-- name: rollback
-- Nothing of it.
ROLLBACK;

-- name: tables
-- Whether anything has been made in this file.
SELECT count(*) FROM sqlite_schema;

-- name: begin_state
-- An index begins with nothing read.
INSERT INTO state (id, made_by, base, revision) VALUES (1, :made_by, :base, 0);

-- name: state
-- Whose index it is, and what it has read.
SELECT made_by, base, revision FROM state;

-- name: read_up_to
-- It has read the base up to a revision.
UPDATE state SET revision = :revision;

-- name: count
-- How much is in it, and the last number that was given to a passage.
SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM chunks),
       (SELECT coalesce(max(id), 0) FROM chunks);

-- name: add_document
-- A document, with or without passages.
INSERT INTO documents (id, exact, is_unspaced) VALUES (:id, :exact, :is_unspaced);

-- name: remove_document
-- A document that changed or is gone.
DELETE FROM documents WHERE id = :id;

-- name: add_chunk
-- A passage of a document.
INSERT INTO chunks (id, document, path, hash, about, opening, passage)
VALUES (:id, :document, :path, :hash, :about, :opening, :passage);

-- name: add_bigrams
-- What a passage is found by.
INSERT INTO bigrams (rowid, about, body) VALUES (:id, :about, :body);

-- name: add_trigrams
-- What a passage is found by.
INSERT INTO trigrams (rowid, body) VALUES (:id, :body);

-- name: chunks_of
-- The passages of a document: to be taken out of the indexes by what they were put in with.
SELECT id, about, passage FROM chunks WHERE document = :document;

-- name: remove_chunks
-- The passages of a document that changed or is gone.
DELETE FROM chunks WHERE document = :document;

-- name: remove_bigrams
-- The indexes keep no text, so they are told what to forget.
INSERT INTO bigrams (bigrams, rowid, about, body) VALUES ('delete', :id, :about, :body);

-- name: remove_trigrams
-- The indexes keep no text, so they are told what to forget.
INSERT INTO trigrams (trigrams, rowid, body) VALUES ('delete', :id, :body);

-- name: bigram_count
-- In how many passages a word or pair stands.
SELECT doc FROM bigram_terms WHERE term = :term;

-- name: trigram_count
-- In how many passages a triple stands.
SELECT doc FROM trigram_terms WHERE term = :term;

-- name: find_bigrams
-- The best passages; `bm25` is the better the smaller.
SELECT rowid, -bm25(bigrams) AS score
FROM bigrams WHERE bigrams MATCH :wanted ORDER BY score DESC LIMIT :limit;

-- name: find_trigrams
-- The best passages; `bm25` is the better the smaller.
SELECT rowid, -bm25(trigrams) AS score
FROM trigrams WHERE trigrams MATCH :wanted ORDER BY score DESC LIMIT :limit;

-- name: candidates
-- What is to be known about passages before one of them is chosen; `ids` is a JSON array.
SELECT chunks.id, document, is_unspaced, path, hash, opening
FROM chunks JOIN documents ON documents.id = document
WHERE chunks.id IN (SELECT value FROM json_each(:ids));

-- name: hashes
-- Of the texts of passages; `ids` is a JSON array.
SELECT id, hash FROM chunks WHERE id IN (SELECT value FROM json_each(:ids));

-- name: passage
-- A passage by its number, with what is above it.
SELECT passage, about FROM chunks WHERE id = :id;

-- name: passage_by_hash
-- A passage by its words.
SELECT passage FROM chunks WHERE hash = :hash AND path = :path LIMIT 1;

-- name: exact
-- The fixed answers to a question, the newest first.
SELECT passage FROM documents JOIN chunks ON document = documents.id
WHERE exact = :question AND exact <> '' ORDER BY documents.id DESC LIMIT :limit;

-- name: chunks_by_hash
-- The passages with these words; `hashes` is a JSON array.
SELECT hash, id FROM chunks WHERE hash IN (SELECT value FROM json_each(:hashes));

-- name: count_vectors
-- How many passages have a vector of a model, or none because it refuses them.
SELECT count(*) FROM vectors WHERE model = :model AND dimensions IN (0, :dimensions);

-- name: without_vector
-- Passages that a model has not seen yet.
SELECT hash, min(about), min(json_extract(passage, '$.text')) FROM chunks
WHERE NOT EXISTS (
  SELECT 1 FROM vectors v
  WHERE v.model = :model AND v.hash = chunks.hash AND v.dimensions IN (0, :dimensions)
)
GROUP BY hash LIMIT :limit;

-- name: keep_vector
-- What a passage means to a model.
INSERT OR REPLACE INTO vectors (hash, model, dimensions, signs, vector)
VALUES (:hash, :model, :dimensions, :signs, :vector);

-- name: forget_vectors
-- Texts that no document has any more.
DELETE FROM vectors WHERE NOT EXISTS (SELECT 1 FROM chunks WHERE chunks.hash = vectors.hash);

-- name: signs
-- A bit of each number of each vector of a model.
SELECT hash, signs FROM vectors WHERE model = :model AND dimensions = :dimensions;

-- name: vectors
-- Some vectors whole; `hashes` is a JSON array.
SELECT hash, vector FROM vectors
WHERE model = :model AND dimensions = :dimensions
  AND hash IN (SELECT value FROM json_each(:hashes));
