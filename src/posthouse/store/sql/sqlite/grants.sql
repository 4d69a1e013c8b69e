-- name: rule
-- The one line that decides about a wish: a block in force, else an allowance in force, else the
-- newest allowance that is over or has not begun. A wish without a scene (or command) asks for the
-- door of the handler (or scene): whoever may use something inside may enter, and a block of
-- something inside does not close it.
SELECT id, effect, from_at, until_at
FROM grants
WHERE subject IN (
    SELECT 'person:' || :person UNION ALL SELECT 'person:*' UNION ALL SELECT 'chat:' || :chat
    UNION ALL SELECT 'people:' || name FROM people WHERE bot = :bot AND person = :person
  )
  AND bot IN (:bot, '*') AND handler IN (:handler, '*')
  AND (scene IN (:scene, '*') OR (:scene = '' AND effect = 'allow'))
  AND (command IN (:command, '*') OR (:command = '' AND effect = 'allow'))
  AND (effect = 'allow' OR (coalesce(from_at, :now) <= :now AND coalesce(until_at, :now + 1) > :now))
ORDER BY
  CASE
    WHEN effect = 'block' THEN 0
    WHEN coalesce(from_at, :now) <= :now AND coalesce(until_at, :now + 1) > :now THEN 1
    ELSE 2
  END,
  created_at DESC, id DESC
LIMIT 1;

-- name: is_written
-- Whether there is any line, or anybody in a group; nothing of either, and no ruling need look.
SELECT 1
WHERE (SELECT min(id) FROM grants) IS NOT NULL OR (SELECT min(bot) FROM people) IS NOT NULL;

-- name: grant
-- A line; the same effect, subject and field replace the older line's times.
INSERT INTO grants (
  effect, subject, bot, handler, scene, command, from_at, until_at, author, created_at, note
)
VALUES (
  :effect, :subject, :bot, :handler, :scene, :command, :from_at, :until_at, :author, :now, :note
)
ON CONFLICT (subject, effect, bot, handler, scene, command) DO UPDATE SET
  from_at = excluded.from_at, until_at = excluded.until_at, author = excluded.author,
  created_at = excluded.created_at, note = excluded.note
RETURNING *;

-- name: get
-- A line by its number.
SELECT * FROM grants WHERE id = :grant;

-- name: revoke
-- Strike a line out.
DELETE FROM grants WHERE id = :grant;

-- name: list
-- Lines that touch a field, newest first.
SELECT * FROM grants
WHERE (:bot = '*' OR bot IN (:bot, '*')) AND (:handler = '*' OR handler IN (:handler, '*'))
  AND (:scene = '*' OR scene IN (:scene, '*')) AND (:command = '*' OR command IN (:command, '*'))
ORDER BY created_at DESC, id DESC LIMIT :limit;

-- name: list_of
-- Lines of one subject that touch a field, newest first.
SELECT * FROM grants
WHERE subject = :subject
  AND (:bot = '*' OR bot IN (:bot, '*')) AND (:handler = '*' OR handler IN (:handler, '*'))
  AND (:scene = '*' OR scene IN (:scene, '*')) AND (:command = '*' OR command IN (:command, '*'))
ORDER BY created_at DESC, id DESC LIMIT :limit;

-- name: disband
-- Take everybody out of a group of people.
DELETE FROM people WHERE bot = :bot AND name = :name;

-- name: join
-- Put somebody into a group of people.
INSERT OR IGNORE INTO people (bot, person, name) VALUES (:bot, :person, :name);

-- name: people
-- Groups of people with their members.
SELECT name, bot, json_group_array(person ORDER BY person)
FROM people GROUP BY bot, name ORDER BY name, bot LIMIT :limit;

-- name: groups_of
-- The groups that somebody is in.
SELECT name FROM people WHERE bot = :bot AND person = :person ORDER BY name;

-- name: make_operator
-- Somebody steers the house from inside chats of a bot.
INSERT INTO chat_operators (bot, person, name, chat, created_at)
VALUES (:bot, :person, :name, :chat, :now)
ON CONFLICT (bot, person) DO UPDATE SET
  name = excluded.name, chat = coalesce(excluded.chat, chat);

-- name: reach_operator
-- Somebody who steers has been met in a private chat.
UPDATE chat_operators SET chat = :chat
WHERE bot = :bot AND person = :person AND chat IS NOT :chat;

-- name: drop_operator
-- Somebody does no longer.
DELETE FROM chat_operators WHERE bot = :bot AND person = :person;

-- name: operators
-- Who steers from inside chats, of one bot or of all.
SELECT bot, person, name, chat FROM chat_operators WHERE bot = :bot OR :bot IS NULL
ORDER BY bot, created_at, person;

-- name: is_operator
-- Whether somebody steers from inside chats of a bot.
SELECT 1 FROM chat_operators WHERE bot = :bot AND person = :person;

-- name: meet
-- Somebody was told that they may not, unless they were told so already.
INSERT OR IGNORE INTO strangers (bot, person, handler, reason, name, chat, at)
VALUES (:bot, :person, :handler, :reason, :name, :chat, :at);

-- name: forget_strangers
-- Those who were told long ago are told anew.
DELETE FROM strangers WHERE at < :before;

-- name: strangers
-- Who was told so and has no line of their own, newest first.
SELECT bot, person, name, chat, handler, reason, at FROM strangers s
WHERE NOT EXISTS (
  SELECT 1 FROM grants g WHERE g.subject = 'person:' || s.person AND g.bot IN (s.bot, '*')
)
ORDER BY at DESC LIMIT :limit;
