-- name: rooms_of
-- As on SQLite.
SELECT
  r.id, r.bot, r.kind, r.title, r.created_at, r.version, r.people_version, r.language,
  me.role,
  (SELECT count(*) FROM (
    SELECT 1 FROM web_messages u
    WHERE u.room = r.id AND u.number > me.read_number AND u.sender <> me.person
      AND NOT u.is_recalled LIMIT 100) AS news) AS unread,
  s.*
FROM web_members me
JOIN web_rooms r ON r.id = me.room
LEFT JOIN web_shown s ON s.room = r.id AND s.number = (
  SELECT max(n.number) FROM web_messages n WHERE n.room = r.id AND NOT n.is_recalled)
WHERE me.person = :person AND r.bot = :bot
ORDER BY coalesce(s.at, r.created_at) DESC, r.id LIMIT :limit;

-- name: mark_read
-- As on SQLite.
UPDATE web_members SET read_number = greatest(read_number, :number)
WHERE room = :room AND person = :person;

-- name: erase
-- As on SQLite.
UPDATE web_messages SET
  version = :version, said = '{}', snippet = '', presses = '[]', is_recalled = TRUE,
  is_draft = FALSE
WHERE room = :room AND number = :number;
