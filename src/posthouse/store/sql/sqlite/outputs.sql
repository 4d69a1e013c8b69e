-- name: put
-- Queue a delivery, or enter it as `sending` or `dropped`; what exists under its origin stays.
INSERT INTO deliveries (
  bot, chat, origin, ordinal, part, kind, state, policy, key, body, target, attempts, queued_at,
  first_sent_at, unclear_calls, is_repeated, may_be_duplicate, withdraw_wanted, platform_ids,
  reason, content, put_at, person, is_report)
VALUES (
  :bot, :chat, :origin, :ordinal, :part, :kind, :state, :policy, :key, :body, :target, :attempts,
  :now, :first_sent_at, 0, 0, 0, 0, '[]', :reason, :content, :now, :person, :is_report)
ON CONFLICT (origin, ordinal, part) DO NOTHING;

-- name: existing
-- The delivery that was put under an origin before.
SELECT id FROM deliveries WHERE origin = :origin AND ordinal = :ordinal AND part = :part;

-- name: bot
-- Which bot talks in a chat.
SELECT bot FROM chats WHERE id = :chat;

-- name: ask
-- Keep a question open.
INSERT INTO questions (id, chat, session, handler, who, labels, expires_at, state, takes_text)
VALUES (:id, :chat, :session, :handler, :who, :labels, :expires_at, :state, :takes_text)
ON CONFLICT (id) DO NOTHING;
