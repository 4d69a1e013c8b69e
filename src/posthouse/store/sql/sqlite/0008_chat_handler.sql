-- The handler that an operator chose for a chat, in place of the routes; empty where none was.

ALTER TABLE chats ADD COLUMN handler TEXT NOT NULL DEFAULT '';
