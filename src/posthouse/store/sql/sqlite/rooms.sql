-- name: name_person
-- Somebody is entered, or gets another name.
INSERT INTO web_people (bot, id, name, created_at) VALUES (:bot, :person, :name, :now)
ON CONFLICT (bot, id) DO UPDATE SET name = excluded.name;

-- name: rooms_showing
-- The rooms of this bot that show somebody's name.
SELECT r.id FROM web_members m JOIN web_rooms r ON r.id = m.room
WHERE m.person = :person AND r.bot = :bot;

-- name: person_name
-- The name of somebody who was entered.
SELECT name FROM web_people WHERE bot = :bot AND id = :person;

-- name: create
-- A new room; its owner is its first change.
INSERT INTO web_rooms (id, bot, kind, title, created_at, language)
VALUES (:room, :bot, :kind, :title, :now, :language);

-- name: room
-- One room of one bot.
SELECT id, bot, kind, title, created_at, version, people_version, language
FROM web_rooms WHERE id = :room AND bot = :bot;

-- name: count_change
-- The room has one more change; its number. No row: there is no such room.
UPDATE web_rooms SET version = version + 1 WHERE id = :room RETURNING version;

-- name: people_changed
-- The newest change was of the title, or of who is in the room.
UPDATE web_rooms SET people_version = version WHERE id = :room;

-- name: retitle
-- Another title.
UPDATE web_rooms SET title = :title WHERE id = :room;

-- name: count_members
-- How many are in a room.
SELECT count(*) FROM web_members WHERE room = :room;

-- name: join
-- Somebody comes in; what was said before counts as read.
INSERT INTO web_members (room, person, role, joined_at, read_number)
VALUES (:room, :person, :role, :now, :read_number);

-- name: leave
-- Somebody goes; their role.
DELETE FROM web_members WHERE room = :room AND person = :person RETURNING role;

-- name: inherit
-- Whoever has been there longest becomes the owner.
UPDATE web_members SET role = :role
WHERE place = (SELECT min(place) FROM web_members WHERE room = :room);

-- name: member
-- Somebody, if they are in the room.
SELECT m.person, p.name, m.role, m.joined_at, m.read_number
FROM web_members m
JOIN web_rooms r ON r.id = m.room
JOIN web_people p ON p.bot = r.bot AND p.id = m.person
WHERE m.room = :room AND m.person = :person;

-- name: members
-- Who is in the room, in the order they came.
SELECT m.person, p.name, m.role, m.joined_at, m.read_number
FROM web_members m
JOIN web_rooms r ON r.id = m.room
JOIN web_people p ON p.bot = r.bot AND p.id = m.person
WHERE m.room = :room ORDER BY m.place;

-- name: rooms_of
-- Somebody's rooms with what is unread (counted to 100) and the newest message, newest first.
SELECT
  r.id, r.bot, r.kind, r.title, r.created_at, r.version, r.people_version, r.language,
  me.role,
  (SELECT count(*) FROM (
    SELECT 1 FROM web_messages u
    WHERE u.room = r.id AND u.number > me.read_number AND u.sender <> me.person
      AND NOT u.is_recalled LIMIT 100)) AS unread,
  s.*
FROM web_members me
JOIN web_rooms r ON r.id = me.room
LEFT JOIN web_shown s ON s.room = r.id AND s.number = (
  SELECT max(n.number) FROM web_messages n WHERE n.room = r.id AND NOT n.is_recalled)
WHERE me.person = :person AND r.bot = :bot
ORDER BY coalesce(s.at, r.created_at) DESC, r.id LIMIT :limit;

-- name: mark_read
-- Seen up to here, and never back.
UPDATE web_members SET read_number = max(read_number, :number)
WHERE room = :room AND person = :person;

-- name: find_key
-- The message that somebody wrote under this key.
SELECT number FROM web_messages WHERE room = :room AND sender = :sender AND key = :key;

-- name: post
-- A message appears.
INSERT INTO web_messages (room, number, version, sender, key, said, snippet, quote, at, is_draft)
VALUES (:room, :number, :number, :sender, :key, :said, :snippet, :quote, :now, :is_draft);

-- name: rewrite
-- A message says something else.
UPDATE web_messages SET
  version = :version, said = :said, snippet = :snippet, edited_at = :edited_at, is_draft = :is_draft,
  presses = :presses
WHERE room = :room AND number = :number;

-- name: erase
-- A message was taken back: nothing of what it said stays.
UPDATE web_messages SET
  version = :version, said = '{}', snippet = '', presses = '[]', is_recalled = 1, is_draft = 0
WHERE room = :room AND number = :number;

-- name: press
-- Somebody chose.
UPDATE web_messages SET version = :version, presses = :presses
WHERE room = :room AND number = :number;

-- name: message
-- One message as it is shown.
SELECT * FROM web_shown WHERE room = :room AND number = :number;

-- name: before
-- Messages older than :number, newest first.
SELECT * FROM web_shown WHERE room = :room AND number < :number ORDER BY number DESC LIMIT :limit;

-- name: changes
-- Messages that changed after a version, in the order of their changes.
SELECT * FROM web_shown WHERE room = :room AND version > :after ORDER BY version LIMIT :limit;

-- name: versions
-- How far the room is.
SELECT version, people_version FROM web_rooms WHERE id = :room;

-- name: add_errand
-- The road is to be told.
INSERT INTO web_errands (room, kind, version, number, person, token, at)
VALUES (:room, :kind, :version, :number, :person, :token, :now);

-- name: errands
-- What the road is still to be told, by whom, oldest first; of one room, or (NULL) of all.
SELECT e.id, e.room, e.kind, e.version, e.number, e.person, coalesce(p.name, ''),
       coalesce(m.role, 'member'), e.token, e.at
FROM web_errands e
JOIN web_rooms r ON r.id = e.room
LEFT JOIN web_people p ON p.bot = r.bot AND p.id = e.person
LEFT JOIN web_members m ON m.room = e.room AND m.person = e.person
WHERE r.bot = :bot AND (e.room = :room OR :room IS NULL)
ORDER BY e.id LIMIT :limit;

-- name: done
-- The road has it.
DELETE FROM web_errands WHERE id = :id;

-- name: keep_upload
-- Somebody brought a file, or took it back with its message: it is kept for a while.
INSERT INTO web_uploads (room, person, ref, media, at) VALUES (:room, :person, :ref, :media, :now)
ON CONFLICT (room, person, ref) DO UPDATE SET media = excluded.media, at = excluded.at;

-- name: upload
-- A file that somebody brought into a room.
SELECT media FROM web_uploads WHERE room = :room AND person = :person AND ref = :ref;

-- name: old_uploads
-- The oldest uploads of before a time.
SELECT room, person, ref FROM web_uploads WHERE at < :before_at ORDER BY at LIMIT :limit;

-- name: forget_upload
-- One upload is forgotten.
DELETE FROM web_uploads WHERE room = :room AND person = :person AND ref = :ref;

-- name: is_used
-- Whether a message or an upload uses a file.
SELECT EXISTS (SELECT 1 FROM web_files WHERE ref = :ref)
    OR EXISTS (SELECT 1 FROM web_uploads WHERE ref = :ref);

-- name: carry
-- A message carries a file.
INSERT INTO web_files (ref, room, number) VALUES (:ref, :room, :number) ON CONFLICT DO NOTHING;

-- name: uncarry
-- It does not any more.
DELETE FROM web_files WHERE ref = :ref AND room = :room AND number = :number;
