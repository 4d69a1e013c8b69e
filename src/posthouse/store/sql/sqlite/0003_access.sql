-- Who may do what: the book of permissions, the console's operators, tokens, and the audit.

CREATE TABLE grants (
  id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: `/revoke 7` strikes what was read
  effect     TEXT NOT NULL,
  subject    TEXT NOT NULL,                     -- 'person:ou_1', 'person:*', 'people:ops', 'chat:7'
  bot        TEXT NOT NULL,                     -- these four: a name, or '*'
  handler    TEXT NOT NULL,
  scene      TEXT NOT NULL,
  command    TEXT NOT NULL,
  from_at    REAL,
  until_at   REAL,
  author     TEXT NOT NULL,
  created_at REAL NOT NULL,
  note       TEXT NOT NULL,
  UNIQUE (subject, effect, bot, handler, scene, command)  -- also what a ruling is found by
) STRICT;

CREATE TABLE people (                           -- groups of people, a row for each member
  bot    TEXT NOT NULL,
  person TEXT NOT NULL,
  name   TEXT NOT NULL,                         -- the group's
  PRIMARY KEY (bot, person, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX people_by_name ON people (bot, name);

CREATE TABLE chat_operators (                   -- who steers the house from inside chats
  bot        TEXT NOT NULL,
  person     TEXT NOT NULL,
  name       TEXT NOT NULL,
  chat       INTEGER,                           -- their private chat with the bot, once it is known
  created_at REAL NOT NULL,
  PRIMARY KEY (bot, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE strangers (                        -- who was told that they may not, and why
  bot     TEXT NOT NULL,
  person  TEXT NOT NULL,
  handler TEXT NOT NULL,
  reason  TEXT NOT NULL,
  name    TEXT NOT NULL,
  chat    INTEGER NOT NULL,
  at      REAL NOT NULL,
  PRIMARY KEY (bot, person, handler, reason)
) STRICT, WITHOUT ROWID;
CREATE INDEX strangers_by_age ON strangers (at);

CREATE TABLE operators (                        -- of the console
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  name          TEXT NOT NULL UNIQUE COLLATE NOCASE,
  role          TEXT NOT NULL,
  created_at    REAL NOT NULL,
  is_disabled   INTEGER NOT NULL DEFAULT 0,
  password_hash TEXT NOT NULL
) STRICT;

CREATE TABLE operator_sessions (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  operator    INTEGER NOT NULL,
  created_at  REAL NOT NULL,
  seen_at     REAL NOT NULL,
  expires_at  REAL NOT NULL,
  agent       TEXT NOT NULL,
  address     TEXT NOT NULL,
  secret_hash BLOB NOT NULL UNIQUE
) STRICT;
CREATE INDEX operator_sessions_of ON operator_sessions (operator);
CREATE INDEX operator_sessions_by_end ON operator_sessions (expires_at);

CREATE TABLE tokens (                           -- of the push API
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  name         TEXT NOT NULL,
  scopes       TEXT NOT NULL,                   -- JSON
  created_at   REAL NOT NULL,
  created_by   TEXT NOT NULL,
  last_used_at REAL,
  expires_at   REAL,
  secret_hash  BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE codes (                            -- one-time codes; a new one replaces the old
  purpose    TEXT PRIMARY KEY,
  code_hash  BLOB NOT NULL,
  expires_at REAL NOT NULL,
  wrong      INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  at      REAL NOT NULL,
  author  TEXT NOT NULL,
  action  TEXT NOT NULL,
  subject TEXT NOT NULL,
  details TEXT NOT NULL                         -- JSON, without secrets
) STRICT;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT raise(ABORT, 'the audit is never changed'); END;
CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit
BEGIN SELECT raise(ABORT, 'the audit is never changed'); END;
