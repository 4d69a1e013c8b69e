-- name: put
-- As on SQLite.
INSERT INTO deliveries (
  bot, chat, origin, ordinal, part, kind, state, policy, key, body, target, attempts, queued_at,
  first_sent_at, unclear_calls, is_repeated, may_be_duplicate, withdraw_wanted, platform_ids,
  reason, content, put_at, person, is_report)
VALUES (
  :bot, :chat, :origin, :ordinal, :part, :kind, :state, :policy, :key, :body, :target, :attempts,
  :now, :first_sent_at, 0, FALSE, FALSE, FALSE, '[]', :reason, :content, :now, :person, :is_report)
ON CONFLICT (origin, ordinal, part) DO NOTHING;
