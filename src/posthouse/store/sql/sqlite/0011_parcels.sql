-- What a relay keeps for houses: verified payloads, until a house has them in its own book. The
-- keys stay behind, so that a repeat is known.

CREATE TABLE parcels (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  bot        TEXT NOT NULL,
  key        TEXT NOT NULL,
  goes_first INTEGER NOT NULL,
  payload    BLOB,
  lease      INTEGER NOT NULL DEFAULT 0,
  came_at    REAL NOT NULL,
  taken_at   REAL,
  UNIQUE (bot, key)
) STRICT;

CREATE INDEX parcels_waiting ON parcels (bot, goes_first DESC, id) WHERE taken_at IS NULL;
CREATE INDEX parcels_taken ON parcels (taken_at) WHERE taken_at IS NOT NULL;

-- Which house a bot's parcels are given to, and until when to no other.
CREATE TABLE parcel_leases (
  bot        TEXT PRIMARY KEY,
  holder     TEXT NOT NULL,
  number     INTEGER NOT NULL,
  until_at   REAL NOT NULL,
  fetched_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
