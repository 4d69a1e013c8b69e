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
INSERT INTO chats (bot, platform_id, kind, title, mode_since_at, language)
VALUES (:bot, :platform_id, :kind, :title, :now, :language)
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
-- What the bot does in a chat; a pause remembers what it interrupts.
UPDATE chats SET
  mode_before = iif(mode = 'paused', mode_before, mode),
  mode = :mode, mode_since_at = :now, mode_until_at = :until_at
WHERE id = :chat;

-- name: session_kind
-- Whose conversations a chat has.
UPDATE chats SET session_kind = :session_kind WHERE id = :chat;

-- name: language
-- The language of the house's own sentences in a chat.
UPDATE chats SET language = :language WHERE id = :chat;

-- name: handler
-- Who answers ordinary messages in a chat; empty for whom the routes name.
UPDATE chats SET handler = :handler WHERE id = :chat;

-- name: untag
-- A chat has no tags.
DELETE FROM chat_tags WHERE chat = :chat;

-- name: tag
-- Give a chat tags.
INSERT INTO chat_tags (tag, chat) SELECT DISTINCT value, :chat FROM json_each(:tags);

-- name: tags
-- The tags of chats, as a JSON list each.
SELECT g.chat, json_group_array(g.tag ORDER BY g.tag) FROM chat_tags g
WHERE g.chat IN (SELECT value FROM json_each(:chats)) GROUP BY g.chat;

-- name: tagged
-- The chats with a tag.
SELECT c.* FROM chat_tags g JOIN chats c ON c.id = g.chat
WHERE g.tag = :tag ORDER BY c.id LIMIT :limit;
