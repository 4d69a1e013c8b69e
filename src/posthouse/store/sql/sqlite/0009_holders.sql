-- Which gateway holds the connection of a bot whose platform knows only one. It counts while that
-- gateway lives in that epoch.

CREATE TABLE holders (
  bot     TEXT PRIMARY KEY,
  gateway INTEGER NOT NULL,
  epoch   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
