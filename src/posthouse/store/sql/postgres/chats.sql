-- name: mode
-- As on SQLite.
UPDATE chats SET
  mode_before = CASE WHEN mode = 'paused' THEN mode_before ELSE mode END,
  mode = :mode, mode_since_at = :now, mode_until_at = :until_at
WHERE id = :chat;

-- name: tag
-- As on SQLite.
INSERT INTO chat_tags (tag, chat)
SELECT DISTINCT tag, :chat::int8 FROM json_array_elements_text(:tags::json) AS tag;

-- name: tags
-- As on SQLite.
SELECT chat, json_agg(tag ORDER BY tag)::text FROM chat_tags
WHERE chat = ANY (ARRAY(SELECT json_array_elements_text(:chats::json)::int8)) GROUP BY chat;
