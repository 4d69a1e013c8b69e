-- Which gateway holds the connection of a bot whose platform knows only one. It counts while that
-- gateway lives in that epoch.

CREATE TABLE holders (
  bot     TEXT COLLATE "C" PRIMARY KEY,
  gateway BIGINT NOT NULL,
  epoch   BIGINT NOT NULL
);
