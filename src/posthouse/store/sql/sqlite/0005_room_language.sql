-- The language of the person who opened a room: what its bot speaks there.
ALTER TABLE web_rooms ADD COLUMN language TEXT NOT NULL DEFAULT '';
