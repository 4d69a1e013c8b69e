-- name: rules_for
-- Everything that was set for a bot, a chat or a person there.
SELECT bot, chat, person, rule FROM rules
WHERE handler = :handler AND bot IN ('', :bot) AND chat IN (0, :chat) AND person IN ('', :person);

-- name: rules
-- Everything that was set for a handler.
SELECT bot, chat, person, rule FROM rules WHERE handler = :handler
ORDER BY bot, chat, person LIMIT :limit;

-- name: set_rule
-- What holds in a scope.
INSERT INTO rules (handler, bot, chat, person, rule)
VALUES (:handler, :bot, :chat, :person, :rule)
ON CONFLICT (handler, bot, chat, person) DO UPDATE SET rule = excluded.rule;

-- name: drop_rule
-- A scope is like those around it again.
DELETE FROM rules
WHERE handler = :handler AND bot = :bot AND chat = :chat AND person = :person;

-- name: hand_off
-- A human takes over; nothing when one has.
INSERT INTO handoffs (handler, chat, person, since_at, turn)
VALUES (:handler, :chat, :person, :since_at, :turn)
ON CONFLICT (handler, chat, person) DO UPDATE SET
  since_at = excluded.since_at, turn = excluded.turn, is_open = excluded.is_open
WHERE NOT handoffs.is_open;

-- name: handoff
-- Since when somebody talks with a human.
SELECT handler, chat, person, since_at, turn FROM handoffs
WHERE handler = :handler AND chat = :chat AND person = :person AND is_open;

-- name: handoffs
-- Who talks with a human now.
SELECT handler, chat, person, since_at, turn FROM handoffs
WHERE is_open ORDER BY since_at, handler, chat, person LIMIT :limit;

-- name: take_back
-- A human has finished.
UPDATE handoffs SET is_open = FALSE, fresh_at = :now
WHERE handler = :handler AND chat = :chat AND person = :person AND is_open;

-- name: fresh_since
-- When a human finished the last time.
SELECT fresh_at FROM handoffs
WHERE handler = :handler AND chat = :chat AND person = :person;

-- name: gate
-- The gate in use.
SELECT id, base, model, figures, author, at, is_used FROM gates WHERE base = :base AND is_used;

-- name: gates
-- All gates of a base.
SELECT id, base, model, figures, author, at, is_used FROM gates
WHERE base = :base ORDER BY id DESC LIMIT :limit;

-- name: add_gate
-- A gate that was trained.
INSERT INTO gates (base, model, figures, author, at)
VALUES (:base, :model, :figures, :author, :now);

-- name: forget_gates
-- Old gates that nobody uses.
DELETE FROM gates WHERE base = :base AND NOT is_used AND id NOT IN (
  SELECT g.id FROM gates g WHERE g.base = :base ORDER BY g.id DESC LIMIT :keep);

-- name: use_none
-- The shipped gate decides.
UPDATE gates SET is_used = FALSE WHERE base = :base AND is_used;

-- name: use_gate
-- This gate decides.
UPDATE gates SET is_used = TRUE WHERE base = :base AND id = :gate;
