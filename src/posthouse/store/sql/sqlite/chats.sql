-- name: at
-- The chat at a place.
SELECT c.* FROM chat_aliases a JOIN chats c ON c.id = a.chat
WHERE a.bot = :bot AND a.platform_id = :platform_id;

-- name: get
-- A chat by its number.
SELECT * FROM chats WHERE id = :chat;

-- name: recent
-- Chats, the most recently used first.
SELECT c.* FROM chats c
ORDER BY coalesce((SELECT max(e.id) FROM events e WHERE e.chat = c.id), 0) DESC, c.id DESC
LIMIT :limit;

-- name: enter
-- A chat nobody has seen before.
INSERT INTO chats (bot, platform_id, kind, title, mode_since_at)
VALUES (:bot, :platform_id, :kind, :title, :now)
RETURNING id;

-- name: alias
-- Let a platform id mean a chat, whatever it meant before.
INSERT INTO chat_aliases (bot, platform_id, chat)
VALUES ((SELECT bot FROM chats WHERE id = :chat), :platform_id, :chat)
ON CONFLICT (bot, platform_id) DO UPDATE SET chat = excluded.chat;

-- name: send_to
-- What is sent goes to this platform id from now on.
UPDATE chats SET platform_id = :platform_id WHERE id = :chat;

-- name: title
-- A chat has a newer title.
UPDATE chats SET title = :title WHERE id = :chat;

-- name: mode
-- What the bot does in a chat.
UPDATE chats SET mode = :mode, mode_since_at = :now, mode_until_at = :until_at WHERE id = :chat;

-- name: session_kind
-- Whose conversations a chat has.
UPDATE chats SET session_kind = :session_kind WHERE id = :chat;

-- name: language
-- The language of the house's own sentences in a chat.
UPDATE chats SET language = :language WHERE id = :chat;
