-- Pushes: what scripts asked the house to say, by the key they gave it; and the tags of chats.
-- What is said are rows of `deliveries` with the origin push:<token>:<key>.

CREATE TABLE pushes (
  id          INTEGER PRIMARY KEY,
  token       INTEGER NOT NULL,                 -- of the push API; 0: the house's own tools
  key         TEXT NOT NULL,
  body_hash   BLOB NOT NULL,
  targets     TEXT NOT NULL,                    -- JSON, as they were found the first time
  put_at      REAL NOT NULL,
  edits       INTEGER NOT NULL DEFAULT 0,
  edit_hash   BLOB,                             -- of the newest edit
  recalled_at REAL,
  UNIQUE (token, key)
) STRICT;
CREATE INDEX pushes_by_age ON pushes (put_at);

CREATE TABLE chat_tags (
  tag  TEXT NOT NULL,
  chat INTEGER NOT NULL,
  PRIMARY KEY (tag, chat)
) STRICT, WITHOUT ROWID;
CREATE INDEX chat_tags_of ON chat_tags (chat);
