-- What the assistant stands on: knowledge, what was asked of it, how it behaves where.

-- Knowledge. Every change of a document gives its base the next revision, by which an index learns
-- what it has missed. A base that is made anew goes on where the one of that name ended.

CREATE TABLE bases (
  name       TEXT PRIMARY KEY,
  revision   INTEGER NOT NULL,
  changed_at REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sources (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  base       TEXT NOT NULL,
  kind       TEXT NOT NULL,
  place      TEXT NOT NULL,
  options    TEXT NOT NULL,               -- JSON
  added_at   REAL NOT NULL,
  checked_at REAL NOT NULL DEFAULT 0,
  problem    TEXT NOT NULL DEFAULT '',
  UNIQUE (base, kind, place)
) STRICT;

CREATE TABLE documents (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  base       TEXT NOT NULL,
  source     INTEGER NOT NULL,
  path       TEXT NOT NULL,
  title      TEXT NOT NULL,
  hash       TEXT NOT NULL,
  format     TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  problem    TEXT NOT NULL,
  changed_at REAL NOT NULL,
  revision   INTEGER NOT NULL,
  body       BLOB NOT NULL,
  UNIQUE (base, source, path)
) STRICT;
CREATE UNIQUE INDEX documents_changed ON documents (base, revision);
CREATE INDEX documents_measured ON documents (base, size_bytes);

CREATE TABLE documents_removed (          -- so that indexes forget them as well
  base     TEXT NOT NULL,
  revision INTEGER NOT NULL,
  document INTEGER NOT NULL,
  PRIMARY KEY (base, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantined (                -- nobody is to be told these passages
  base    TEXT NOT NULL,
  passage TEXT NOT NULL,
  author  TEXT NOT NULL,
  at      REAL NOT NULL,
  PRIMARY KEY (base, passage)
) STRICT, WITHOUT ROWID;

-- What was asked.

CREATE TABLE asked (
  turn         INTEGER PRIMARY KEY,
  handler      TEXT NOT NULL,
  bot          TEXT NOT NULL,
  chat         INTEGER NOT NULL,
  session      TEXT NOT NULL,
  person       TEXT NOT NULL,
  at           REAL NOT NULL,
  text         TEXT NOT NULL,
  base         TEXT NOT NULL,             -- names by comma
  score        REAL,
  reason       TEXT NOT NULL,
  answer       TEXT NOT NULL,             -- empty: it gave none
  passages     TEXT NOT NULL,             -- JSON
  is_addressed INTEGER NOT NULL,
  verdict      TEXT NOT NULL,
  judged_by    TEXT NOT NULL DEFAULT '',
  judged_at    REAL,
  resolved_at  REAL,
  resolved_by  TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX asked_open ON asked (turn) WHERE resolved_at IS NULL
  AND (verdict = 'bad' OR reason = 'held_for_review'
    OR (is_addressed AND answer = '' AND verdict <> 'good'));
CREATE INDEX asked_judged ON asked (turn) WHERE verdict <> '';
CREATE INDEX asked_by ON asked (bot, person, at);

CREATE TABLE asked_bases (
  base TEXT NOT NULL,
  turn INTEGER NOT NULL,
  PRIMARY KEY (base, turn)
) STRICT, WITHOUT ROWID;
CREATE INDEX asked_bases_of ON asked_bases (turn);

CREATE TABLE asked_passages (
  passage BLOB NOT NULL,                  -- the hash of its key
  turn    INTEGER NOT NULL,
  PRIMARY KEY (passage, turn)
) STRICT, WITHOUT ROWID;
CREATE INDEX asked_passages_of ON asked_passages (turn);

CREATE INDEX deliveries_withdrawn ON deliveries (id) WHERE state = 'withdrawn';

CREATE TABLE labels (                     -- given ones; others follow from `asked`
  id           INTEGER PRIMARY KEY,
  base         TEXT NOT NULL,
  origin       TEXT NOT NULL,
  text_hash    BLOB NOT NULL,
  text         TEXT NOT NULL,
  is_wanted    INTEGER NOT NULL,
  is_addressed INTEGER NOT NULL,
  at           REAL NOT NULL,
  UNIQUE (base, origin, text_hash)
) STRICT;
CREATE INDEX labels_by_age ON labels (base, at, id);

CREATE TABLE spending (
  turn          INTEGER NOT NULL,
  call          INTEGER NOT NULL,
  model         TEXT NOT NULL,
  bot           TEXT NOT NULL,
  chat          INTEGER NOT NULL,
  person        TEXT NOT NULL,
  at            REAL NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  answer_tokens INTEGER NOT NULL,
  cost_micro    INTEGER NOT NULL,
  PRIMARY KEY (turn, call)
) STRICT, WITHOUT ROWID;
CREATE INDEX spending_by_age ON spending (at);
CREATE INDEX spending_in_chat ON spending (chat, at);
CREATE INDEX spending_for_person ON spending (person, at);

-- How it behaves.

CREATE TABLE rules (
  handler TEXT NOT NULL,
  bot     TEXT NOT NULL,                  -- '', 0: all
  chat    INTEGER NOT NULL,
  person  TEXT NOT NULL,
  rule    TEXT NOT NULL,                  -- JSON
  PRIMARY KEY (handler, bot, chat, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE handoffs (
  handler  TEXT NOT NULL,
  chat     INTEGER NOT NULL,
  person   TEXT NOT NULL,
  since_at REAL NOT NULL,
  turn     INTEGER NOT NULL,
  is_open  INTEGER NOT NULL DEFAULT 1,
  fresh_at REAL NOT NULL DEFAULT 0,       -- when the last one ended
  PRIMARY KEY (handler, chat, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX handoffs_open ON handoffs (since_at) WHERE is_open;
CREATE INDEX handoffs_over ON handoffs (fresh_at) WHERE NOT is_open;

CREATE TABLE gates (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  base    TEXT NOT NULL,
  model   BLOB NOT NULL,
  figures TEXT NOT NULL,                  -- JSON
  author  TEXT NOT NULL,
  at      REAL NOT NULL,
  is_used INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX gates_of ON gates (base, id);
CREATE UNIQUE INDEX gates_used ON gates (base) WHERE is_used;
