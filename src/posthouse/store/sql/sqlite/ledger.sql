-- name: entry
-- A delivery with everything kept about it.
SELECT * FROM deliveries WHERE id = :delivery;

-- name: change
-- Write what a delivery became.
UPDATE deliveries SET
  state = :state, attempts = :attempts, queued_at = :queued_at,
  first_sent_at = :first_sent_at, unclear_since_at = :unclear_since_at,
  unclear_calls = :unclear_calls, is_repeated = :is_repeated,
  may_be_duplicate = :may_be_duplicate, withdraw_wanted = :withdraw_wanted,
  platform_ids = :platform_ids, reason = :reason, settled_at = :settled_at
WHERE id = :id;

-- name: change_kind
-- Final words whose draft is closed become a message of their own.
UPDATE deliveries SET kind = :kind, target = :target WHERE id = :delivery;

-- name: put_withdrawal
-- Ask for a sent message to be taken back.
INSERT INTO amends (chat, delivery, kind, state, origin, ordinal, content, body, put_at)
VALUES (:chat, :delivery, 'recall', 'queued', :origin, 0, '', x'', :now)
ON CONFLICT (origin, ordinal) DO NOTHING
RETURNING id;

-- name: unpark
-- The message was sent: the edits that waited for it may go.
UPDATE amends SET state = 'queued' WHERE delivery = :delivery AND state = 'parked';

-- name: refuse_parked
-- The message will never be sent: the edits that waited for it are pointless.
UPDATE amends SET state = 'refused', reason = :reason, settled_at = :now
WHERE delivery = :delivery AND state = 'parked';

-- name: edits_parked
-- Mark whether edits wait for a delivery to be sent.
UPDATE deliveries SET is_edit_parked = :is_parked WHERE id = :delivery;

-- name: join_recall
-- Let a recall wait for the outcome of a delivery.
UPDATE deliveries SET recall = :recall WHERE id = :delivery;

-- name: count_outcome
-- One delivery that a recall waited for has its outcome. Of one that was repeated in doubt, only
-- the copy that has a name could be withdrawn; the other may still stand there.
UPDATE recalls SET
  pending = pending - 1,
  dropped = dropped + (:state IN ('dropped', 'failed')),
  withdrawn = withdrawn + (:state = 'withdrawn'),
  kept = kept + (:state = 'kept'),
  doubtful = doubtful + (:state = 'doubtful' OR :state = 'withdrawn' AND :may_be_duplicate),
  kept_reasons = CASE
    WHEN :state = 'kept' AND json_array_length(kept_reasons) < 20
         AND :reason NOT IN (SELECT value FROM json_each(kept_reasons))
    THEN json_insert(kept_reasons, '$[#]', :reason) ELSE kept_reasons END
WHERE id = :recall
RETURNING pending, chat;

-- name: put_report
-- A recall knows all outcomes: a control turn tells the person.
INSERT INTO turns (
  lane, place, chat, session, handler, person, on_edit, accepted_at, burst_until_at, event_count)
VALUES (
  :lane, (SELECT coalesce(max(id), 0) + 1 FROM turns), :chat, :session, 'recall_report', '',
  'ignore', :now, :now, 0);
