-- The mode that a chat had before it was paused, to which it returns.

ALTER TABLE chats ADD COLUMN mode_before TEXT NOT NULL DEFAULT 'mention';
