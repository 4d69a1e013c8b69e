-- name: put_withdrawal
-- As on SQLite.
INSERT INTO amends (chat, delivery, kind, state, origin, ordinal, content, body, put_at)
VALUES (:chat, :delivery, 'recall', 'queued', :origin, 0, '', '', :now)
ON CONFLICT (origin, ordinal) DO NOTHING
RETURNING id;

-- name: count_outcome
-- As on SQLite.
UPDATE recalls SET
  pending = pending - 1,
  dropped = dropped + (:state::text IN ('dropped', 'failed'))::int,
  withdrawn = withdrawn + (:state::text = 'withdrawn')::int,
  kept = kept + (:state::text = 'kept')::int,
  doubtful = doubtful
    + (:state::text = 'doubtful' OR :state::text = 'withdrawn' AND :may_be_duplicate)::int,
  kept_reasons = CASE
    WHEN :state::text = 'kept' AND json_array_length(kept_reasons::json) < 20
         AND NOT kept_reasons::jsonb ? :reason::text
    THEN (kept_reasons::jsonb || jsonb_build_array(:reason::text))::text ELSE kept_reasons END
WHERE id = :recall
RETURNING pending, chat;
