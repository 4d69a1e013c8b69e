-- The web channel's chat server: people, rooms, and what was said in them.
--
-- Rows of `web_shown` are read with `.*` into their struct (store/sql/rooms.py).

CREATE TABLE web_people (
  bot        TEXT NOT NULL,
  id         TEXT NOT NULL,
  name       TEXT NOT NULL,
  created_at REAL NOT NULL,
  PRIMARY KEY (bot, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE web_rooms (
  id             TEXT PRIMARY KEY,
  bot            TEXT NOT NULL,
  kind           TEXT NOT NULL,
  title          TEXT NOT NULL,
  created_at     REAL NOT NULL,
  version        INTEGER NOT NULL DEFAULT 0,  -- counts every change
  people_version INTEGER NOT NULL DEFAULT 0   -- the last one of the title or of who is in it
) STRICT;

CREATE TABLE web_members (                    -- in the order they came
  place       INTEGER PRIMARY KEY,
  room        TEXT NOT NULL,
  person      TEXT NOT NULL,
  role        TEXT NOT NULL,
  joined_at   REAL NOT NULL,
  read_number INTEGER NOT NULL DEFAULT 0,
  UNIQUE (room, person)
) STRICT;
CREATE INDEX web_members_by_person ON web_members (person);

CREATE TABLE web_messages (
  room        TEXT NOT NULL,
  number      INTEGER NOT NULL,               -- the room's version when it appeared
  version     INTEGER NOT NULL,               -- and when it last changed
  sender      TEXT NOT NULL,                  -- a person, or '' for the bot
  key         TEXT NOT NULL,
  said        TEXT NOT NULL,                  -- JSON; '{}' once it was recalled
  snippet     TEXT NOT NULL,                  -- the beginning, for those who quote it
  quote       INTEGER,
  at          REAL NOT NULL,
  edited_at   REAL,
  is_recalled INTEGER NOT NULL DEFAULT 0,
  is_draft    INTEGER NOT NULL DEFAULT 0,
  presses     TEXT NOT NULL DEFAULT '[]',     -- JSON
  PRIMARY KEY (room, number),
  UNIQUE (room, sender, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX web_messages_by_version ON web_messages (room, version);

CREATE VIEW web_shown AS
SELECT
  m.room, m.number, m.version, m.sender, coalesce(p.name, '') AS sender_name, m.said, m.at, m.key,
  m.edited_at, m.is_recalled, m.is_draft, m.presses,
  q.number AS quoted, q.sender AS quoted_sender, coalesce(qp.name, '') AS quoted_name,
  q.snippet AS quoted_snippet, q.is_recalled AS is_quoted_recalled
FROM web_messages m
JOIN web_rooms r ON r.id = m.room
LEFT JOIN web_people p ON p.bot = r.bot AND p.id = m.sender
LEFT JOIN web_messages q ON q.room = m.room AND q.number = m.quote
LEFT JOIN web_people qp ON qp.bot = r.bot AND qp.id = q.sender;

CREATE TABLE web_errands (                    -- what the road is still to be told
  id      INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice: an old "done" removes nothing new
  room    TEXT NOT NULL,
  kind    TEXT NOT NULL,
  version INTEGER NOT NULL,
  number  INTEGER NOT NULL,
  person  TEXT NOT NULL,
  token   TEXT NOT NULL,
  at      REAL NOT NULL
) STRICT;
CREATE INDEX web_errands_by_room ON web_errands (room, id);

CREATE TABLE web_uploads (                    -- brought into a room lately, or taken back there
  room       TEXT NOT NULL,
  person     TEXT NOT NULL,
  ref        TEXT NOT NULL,
  media      TEXT NOT NULL,                   -- JSON
  at         REAL NOT NULL,
  PRIMARY KEY (room, person, ref)
) STRICT, WITHOUT ROWID;
CREATE INDEX web_uploads_by_age ON web_uploads (at);
CREATE INDEX web_uploads_by_ref ON web_uploads (ref);

CREATE TABLE web_files (                      -- which messages carry a file
  ref    TEXT NOT NULL,
  room   TEXT NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (ref, room, number)
) STRICT, WITHOUT ROWID;
