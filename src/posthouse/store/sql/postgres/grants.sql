-- name: join
-- As on SQLite.
INSERT INTO people (bot, person, name) VALUES (:bot, :person, :name) ON CONFLICT DO NOTHING;

-- name: people
-- As on SQLite.
SELECT name, bot, json_agg(person ORDER BY person)::text
FROM people GROUP BY bot, name ORDER BY name, bot LIMIT :limit;

-- name: make_operator
-- As on SQLite.
INSERT INTO chat_operators (bot, person, name, chat, created_at)
VALUES (:bot, :person, :name, :chat, :now)
ON CONFLICT (bot, person) DO UPDATE SET
  name = excluded.name, chat = coalesce(excluded.chat, chat_operators.chat);

-- name: reach_operator
-- As on SQLite.
UPDATE chat_operators SET chat = :chat
WHERE bot = :bot AND person = :person AND chat IS DISTINCT FROM :chat;

-- name: meet
-- As on SQLite.
INSERT INTO strangers (bot, person, handler, reason, name, chat, at)
VALUES (:bot, :person, :handler, :reason, :name, :chat, :at) ON CONFLICT DO NOTHING;
