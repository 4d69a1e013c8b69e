-- name: find
-- A question by its id.
SELECT id, chat, session, handler, who, labels, expires_at, state, takes_text,
       answered_by IS NOT NULL
FROM questions WHERE id = :question;

-- name: open_in
-- The newest question of a session that a typed message answers.
SELECT id, chat, session, handler, who, labels, expires_at, state, takes_text,
       answered_by IS NOT NULL
FROM questions
WHERE session = :session AND takes_text AND answered_by IS NULL AND expires_at > :now
ORDER BY number DESC LIMIT 1;

-- name: asking
-- The sessions with a question that a typed message may answer.
SELECT DISTINCT session FROM questions WHERE takes_text AND answered_by IS NULL;

-- name: underway
-- Whom a turn answers, and how far it is.
SELECT chat, person, state, wanted = 'cancel' FROM turns WHERE id = :turn;
