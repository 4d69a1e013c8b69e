-- The road: what came in, who works on it, what goes out.
--
-- Rows of `chats` and `deliveries` are read with `.*` into their structs (store/sql/rows.py):
-- new columns go to the end. Times ending in `_at` are seconds since the epoch.

CREATE TABLE house (            -- one row
  id          INTEGER PRIMARY KEY CHECK (id = 1),
  is_held     INTEGER NOT NULL DEFAULT 0,
  snapshot_at REAL,             -- restored from a backup that was taken then
  taken_at    REAL              -- only in a backup: when it was taken
) STRICT;
INSERT INTO house (id) VALUES (1);

CREATE TABLE gateways (
  id       INTEGER PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE,
  epoch    INTEGER NOT NULL,
  until_at REAL NOT NULL
) STRICT;

CREATE TABLE chats (
  id            INTEGER PRIMARY KEY,
  bot           TEXT NOT NULL,
  platform_id   TEXT NOT NULL,  -- the newest of its aliases
  kind          TEXT NOT NULL,
  title         TEXT NOT NULL,
  mode          TEXT NOT NULL DEFAULT 'mention',
  mode_since_at REAL NOT NULL,
  mode_until_at REAL,
  session_kind  TEXT NOT NULL DEFAULT 'member',
  language      TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE chat_aliases (
  bot         TEXT NOT NULL,
  platform_id TEXT NOT NULL,
  chat        INTEGER NOT NULL,
  PRIMARY KEY (bot, platform_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (         -- only those that were told to forget
  session      TEXT PRIMARY KEY,
  forget_at    REAL NOT NULL,
  forget_event INTEGER NOT NULL -- the newest event then: clocks jump, numbers do not
) STRICT, WITHOUT ROWID;

CREATE TABLE seen (             -- de-duplication; pruned by time only
  bot   TEXT NOT NULL,
  key   TEXT NOT NULL,
  event INTEGER NOT NULL,
  at    REAL NOT NULL,
  PRIMARY KEY (bot, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_by_age ON seen (at);

CREATE TABLE events (
  id          INTEGER PRIMARY KEY,
  chat        INTEGER NOT NULL,
  kind        TEXT NOT NULL,
  key         TEXT NOT NULL,
  message_id  TEXT NOT NULL,
  entrance    TEXT NOT NULL,
  platform_at REAL NOT NULL,
  accepted_at REAL NOT NULL,
  state       TEXT NOT NULL,
  reason      TEXT NOT NULL,
  turn        INTEGER,
  is_part     INTEGER NOT NULL, -- given to the turn; not so an edit whose words replaced others
  has_slot    INTEGER NOT NULL,
  slot_body   BLOB,
  body        TEXT NOT NULL     -- the event as JSON
) STRICT;
CREATE INDEX events_of_turn ON events (turn) WHERE turn IS NOT NULL;
CREATE INDEX events_of_chat ON events (chat, id);
CREATE INDEX events_of_message ON events (chat, message_id) WHERE message_id <> '';
CREATE INDEX events_undecodable ON events (accepted_at) WHERE state = 'undecodable';

CREATE TABLE turns (
  id             INTEGER PRIMARY KEY,
  lane           TEXT NOT NULL,
  place          REAL NOT NULL, -- order in the lane: the id, or, revived, behind the newest id
  chat           INTEGER NOT NULL,
  session        TEXT NOT NULL,
  handler        TEXT NOT NULL,
  person         TEXT NOT NULL, -- platform id of the newest event's sender
  state          TEXT NOT NULL DEFAULT 'waiting',
  reason         TEXT NOT NULL DEFAULT '',
  wanted         TEXT NOT NULL DEFAULT '',
  wanted_reason  TEXT NOT NULL DEFAULT '',
  on_edit        TEXT NOT NULL,
  accepted_at    REAL NOT NULL,
  burst_until_at REAL NOT NULL, -- more events may join, and it is not handed out, until then
  event_count    INTEGER NOT NULL,
  replaces       INTEGER,
  answer         TEXT,          -- JSON of the answer to a question
  started_at     REAL,
  finished_at    REAL,
  tries          INTEGER NOT NULL DEFAULT 0,
  notes          TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE INDEX turns_waiting ON turns (lane, place) WHERE state = 'waiting';
CREATE INDEX turns_of_session ON turns (session, id);
CREATE INDEX turns_replacing ON turns (replaces) WHERE replaces IS NOT NULL;
CREATE INDEX turns_buried ON turns (id) WHERE state = 'buried';

CREATE TABLE lanes (
  lane          TEXT PRIMARY KEY,
  kind          TEXT NOT NULL,               -- t, c, s, a
  chat          INTEGER NOT NULL,
  bot           TEXT NOT NULL,               -- whose budget it uses; empty for turns and control
  ready_at      REAL,                        -- when its head may be taken; NULL: nothing waits
  waiting       INTEGER NOT NULL,            -- open rows, the one it works on included
  current       INTEGER,                     -- what it works on, also between two tries
  tries         INTEGER NOT NULL DEFAULT 0,  -- how often `current` was handed out
  owner         INTEGER,                     -- the gateway that holds it
  epoch         INTEGER NOT NULL DEFAULT 0,
  fence         INTEGER NOT NULL DEFAULT 0,
  not_before_at REAL NOT NULL DEFAULT 0,     -- pace: an empty lane is not ready before then
  is_overloaded INTEGER NOT NULL DEFAULT 0   -- people were told; until it has drained to half
) STRICT, WITHOUT ROWID;
CREATE INDEX lanes_ready ON lanes (kind, bot, ready_at) WHERE ready_at IS NOT NULL AND owner IS NULL;
CREATE INDEX lanes_held ON lanes (owner) WHERE owner IS NOT NULL;

CREATE TABLE deliveries (
  id               INTEGER PRIMARY KEY,
  bot              TEXT NOT NULL,
  chat             INTEGER NOT NULL,
  origin           TEXT NOT NULL,
  ordinal          INTEGER NOT NULL,
  part             INTEGER NOT NULL,
  kind             TEXT NOT NULL,
  state            TEXT NOT NULL,
  policy           TEXT NOT NULL,
  key              TEXT NOT NULL,
  body             BLOB NOT NULL,
  target           INTEGER,
  attempts         INTEGER NOT NULL,
  queued_at        REAL NOT NULL,
  first_sent_at    REAL,
  unclear_since_at REAL,
  unclear_calls    INTEGER NOT NULL,
  is_repeated      INTEGER NOT NULL,
  may_be_duplicate INTEGER NOT NULL,
  withdraw_wanted  INTEGER NOT NULL,
  platform_ids     TEXT NOT NULL,            -- JSON
  reason           TEXT NOT NULL,
  content          TEXT NOT NULL,            -- JSON
  put_at           REAL NOT NULL,
  settled_at       REAL,
  person           TEXT NOT NULL,            -- who was answered
  is_report        INTEGER NOT NULL,         -- says how a recall went: not itself recalled
  recall           INTEGER,                  -- the recall that waits for its outcome
  is_edit_parked   INTEGER NOT NULL DEFAULT 0, -- an edit waits until it is sent
  is_cleared       INTEGER NOT NULL DEFAULT 0  -- an operator let it leave the held house
) STRICT;
CREATE UNIQUE INDEX deliveries_by_origin ON deliveries (origin, ordinal, part);
CREATE INDEX deliveries_of_chat ON deliveries (chat, put_at);
CREATE INDEX deliveries_open ON deliveries (chat, id) WHERE state IN ('queued', 'sending', 'unknown');
CREATE INDEX deliveries_troubled ON deliveries (state, id) WHERE state IN ('failed', 'doubtful');
CREATE INDEX deliveries_recalled ON deliveries (recall) WHERE recall IS NOT NULL;
CREATE INDEX deliveries_of_target ON deliveries (target) WHERE target IS NOT NULL;

CREATE TABLE amends (           -- edits and withdrawals of what was sent
  id         INTEGER PRIMARY KEY,
  chat       INTEGER NOT NULL,
  delivery   INTEGER NOT NULL,
  kind       TEXT NOT NULL,     -- edit, recall
  state      TEXT NOT NULL,     -- queued, parked (not sent yet), done, refused
  origin     TEXT NOT NULL,
  ordinal    INTEGER NOT NULL,
  content    TEXT NOT NULL,     -- JSON; empty for a withdrawal
  body       BLOB NOT NULL,
  reason     TEXT NOT NULL DEFAULT '',
  put_at     REAL NOT NULL,
  settled_at REAL
) STRICT;
CREATE UNIQUE INDEX amends_by_origin ON amends (origin, ordinal);
CREATE INDEX amends_queued ON amends (chat, id) WHERE state = 'queued';
CREATE INDEX amends_of_delivery ON amends (delivery);

CREATE TABLE questions (
  number      INTEGER PRIMARY KEY,
  id          TEXT NOT NULL UNIQUE,
  chat        INTEGER NOT NULL,
  session     TEXT NOT NULL,
  handler     TEXT NOT NULL,
  who         TEXT NOT NULL,
  labels      TEXT NOT NULL,    -- JSON
  expires_at  REAL NOT NULL,
  state       TEXT NOT NULL,
  takes_text  INTEGER NOT NULL,
  answered_by INTEGER           -- the event that came first
) STRICT;
CREATE INDEX questions_open ON questions (session, number) WHERE takes_text AND answered_by IS NULL;

CREATE TABLE once (             -- named side effects of turns
  turn   INTEGER NOT NULL,
  name   TEXT NOT NULL,
  result TEXT,                  -- NULL: begun
  PRIMARY KEY (turn, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE recalls (
  id           INTEGER PRIMARY KEY,
  chat         INTEGER NOT NULL,
  turn         INTEGER NOT NULL UNIQUE, -- the control turn that asked
  dropped      INTEGER NOT NULL DEFAULT 0,
  cancelled    INTEGER NOT NULL DEFAULT 0,
  pending      INTEGER NOT NULL DEFAULT 0,
  withdrawn    INTEGER NOT NULL DEFAULT 0,
  kept         INTEGER NOT NULL DEFAULT 0,
  doubtful     INTEGER NOT NULL DEFAULT 0,
  kept_reasons TEXT NOT NULL DEFAULT '[]', -- JSON
  at           REAL NOT NULL
) STRICT;
