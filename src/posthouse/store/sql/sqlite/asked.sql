-- name: record
-- A question; what people thought of it is theirs to change.
INSERT INTO asked (
  turn, handler, bot, chat, session, person, at, text, base, score, reason, answer, passages,
  is_addressed, verdict, resolved_at
)
VALUES (
  :turn, :handler, :bot, :chat, :session, :person, :at, :text, :base, :score, :reason, :answer,
  :passages, :is_addressed, :verdict, :resolved_at
)
ON CONFLICT (turn) DO UPDATE SET
  handler = excluded.handler, bot = excluded.bot, chat = excluded.chat,
  session = excluded.session, person = excluded.person, at = excluded.at, text = excluded.text,
  base = excluded.base, score = excluded.score, reason = excluded.reason,
  answer = excluded.answer, passages = excluded.passages, is_addressed = excluded.is_addressed;

-- name: forget_bases
-- The bases that were searched before a turn was run again.
DELETE FROM asked_bases WHERE turn = :turn;

-- name: searched
-- A base was searched.
INSERT INTO asked_bases (base, turn) VALUES (:base, :turn) ON CONFLICT (base, turn) DO NOTHING;

-- name: forget_passages
-- What the answer rested on before a turn was run again.
DELETE FROM asked_passages WHERE turn = :turn;

-- name: rests_on
-- An answer rests on a passage.
INSERT INTO asked_passages (passage, turn) VALUES (:passage, :turn)
ON CONFLICT (passage, turn) DO NOTHING;

-- name: of_turn
-- What was asked in a turn.
SELECT turn, handler, bot, chat, session, person, at, text, base, score, reason, answer, passages,
       is_addressed, verdict, resolved_at
FROM asked WHERE turn = :turn;

-- name: count
-- How many answers somebody has been given.
SELECT count(*) FROM asked
WHERE bot = :bot AND person = :person AND at >= :since AND answer <> '' AND turn <> :but_turn;

-- name: judge
-- What somebody thinks of an answer or a silence.
UPDATE asked SET verdict = :verdict, judged_by = :author, judged_at = :now WHERE turn = :turn;

-- name: resolve
-- Nobody needs to look at a question any more.
UPDATE asked SET resolved_at = :now, resolved_by = :author
WHERE turn = :turn AND resolved_at IS NULL;

-- name: open
-- Questions that somebody should look at; the condition is that of an index.
SELECT a.turn, a.handler, a.bot, a.chat, a.session, a.person, a.at, a.text, a.base, a.score,
       a.reason, a.answer, a.passages, a.is_addressed, a.verdict, a.resolved_at
FROM asked a
WHERE a.turn < :before AND a.resolved_at IS NULL
  AND (a.verdict = 'bad' OR a.reason = 'held_for_review'
    OR (a.is_addressed AND a.answer = '' AND a.verdict <> 'good'))
  AND (:base = '' OR EXISTS (
    SELECT 1 FROM asked_bases b WHERE b.base = :base AND b.turn = a.turn))
ORDER BY a.turn DESC LIMIT :limit;

-- name: recent
-- Everything that was asked.
SELECT turn, handler, bot, chat, session, person, at, text, base, score, reason, answer, passages,
       is_addressed, verdict, resolved_at
FROM asked WHERE turn < :before ORDER BY turn DESC LIMIT :limit;

-- name: recent_of
-- What was asked of a base.
SELECT a.turn, a.handler, a.bot, a.chat, a.session, a.person, a.at, a.text, a.base, a.score,
       a.reason, a.answer, a.passages, a.is_addressed, a.verdict, a.resolved_at
FROM asked_bases b JOIN asked a ON a.turn = b.turn
WHERE b.base = :base AND b.turn < :before ORDER BY b.turn DESC LIMIT :limit;

-- name: told
-- Who was told a passage.
SELECT a.turn, a.handler, a.bot, a.chat, a.session, a.person, a.at, a.text, a.base, a.score,
       a.reason, a.answer, a.passages, a.is_addressed, a.verdict, a.resolved_at
FROM asked_passages p JOIN asked a ON a.turn = p.turn
WHERE p.passage = :passage ORDER BY p.turn DESC LIMIT :limit;

-- name: add_label
-- Whether a message wants an answer; who says so again may have changed their mind.
INSERT INTO labels (base, origin, text_hash, text, is_wanted, is_addressed, at)
VALUES (:base, :origin, :text_hash, :text, :is_wanted, :is_addressed, :at)
ON CONFLICT (base, origin, text_hash) DO UPDATE SET
  is_wanted = excluded.is_wanted, is_addressed = excluded.is_addressed, at = excluded.at;

-- name: given
-- The newest of what was said of messages.
SELECT text, is_wanted, origin, at, is_addressed FROM labels
WHERE base = :base ORDER BY at DESC, id DESC LIMIT :limit;

-- name: judged
-- What follows from verdicts: a good answer and a bad silence were to messages that wanted one.
-- Operators review; of a silence nobody else can say anything.
SELECT a.text, (a.answer = '') = (a.verdict = 'bad'),
       CASE WHEN a.answer = '' OR a.judged_by LIKE 'operator:%' THEN 'review' ELSE 'thumb' END,
       coalesce(a.judged_at, a.at), a.is_addressed
FROM asked a JOIN asked_bases b ON b.base = :base AND b.turn = a.turn
WHERE a.verdict <> '' ORDER BY a.turn DESC LIMIT :limit;

-- name: taken_back
-- What follows from withdrawals, where nobody has said more; an answer that an edited question
-- replaced is no such thing.
SELECT DISTINCT a.turn, a.text, a.at, a.is_addressed
FROM deliveries d
JOIN asked a ON a.turn = CAST(substr(d.origin, 6) AS INTEGER) AND d.origin = 'turn:' || a.turn
JOIN asked_bases b ON b.base = :base AND b.turn = a.turn
WHERE d.state = 'withdrawn' AND a.answer <> '' AND a.verdict = ''
  AND NOT EXISTS (SELECT 1 FROM turns t WHERE t.replaces = a.turn)
ORDER BY a.turn DESC LIMIT :limit;

-- name: spend
-- A call to a model; a turn that is run again has made it already.
INSERT INTO spending (
  turn, call, model, bot, chat, person, at, prompt_tokens, answer_tokens, cost_micro
)
VALUES (
  :turn, :call, :model, :bot, :chat, :person, :at, :prompt_tokens, :answer_tokens, :cost_micro
)
ON CONFLICT (turn, call) DO NOTHING;

-- name: spent
-- What was spent, by the moments.
SELECT count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(answer_tokens), 0),
       coalesce(sum(cost_micro), 0)
FROM spending
WHERE at >= :since AND (:bot = '' OR bot = :bot) AND (:model = '' OR model = :model);

-- name: spent_in_chat
-- What was spent in a chat.
SELECT count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(answer_tokens), 0),
       coalesce(sum(cost_micro), 0)
FROM spending
WHERE chat = :chat AND at >= :since AND (:bot = '' OR bot = :bot)
  AND (:model = '' OR model = :model) AND (:person = '' OR person = :person);

-- name: spent_for_person
-- What was spent for somebody.
SELECT count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(answer_tokens), 0),
       coalesce(sum(cost_micro), 0)
FROM spending
WHERE person = :person AND at >= :since AND (:bot = '' OR bot = :bot)
  AND (:model = '' OR model = :model);

-- name: spend_on_trial
-- A call to a model whose answer nobody was sent.
INSERT INTO trial_spending (
  handler, author, model, bot, chat, person, at, prompt_tokens, answer_tokens, cost_micro
)
VALUES (
  :handler, :author, :model, :bot, :chat, :person, :at, :prompt_tokens, :answer_tokens, :cost_micro
);

-- name: spent_on_trials
-- What trials have cost.
SELECT count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(answer_tokens), 0),
       coalesce(sum(cost_micro), 0)
FROM trial_spending WHERE at >= :since AND (:handler = '' OR handler = :handler);

-- name: trial_shares
-- What the trials of each author as somebody somewhere have cost, the dearest first.
SELECT author, bot, chat, person,
       count(*), sum(prompt_tokens), sum(answer_tokens), sum(cost_micro)
FROM trial_spending WHERE at >= :since
GROUP BY author, bot, chat, person
ORDER BY sum(cost_micro) DESC, sum(prompt_tokens + answer_tokens) DESC, author, bot, chat, person
LIMIT :limit;

-- name: shares
-- What was spent on each bot, chat, person or model, the dearest first.
SELECT CASE :of WHEN 'model' THEN '' ELSE bot END AS of_bot,
       CASE :of WHEN 'chat' THEN chat ELSE 0 END AS of_chat,
       CASE :of WHEN 'person' THEN person ELSE '' END AS of_person,
       CASE :of WHEN 'model' THEN model ELSE '' END AS of_model, max(turn),
       count(*), sum(prompt_tokens), sum(answer_tokens), sum(cost_micro)
FROM spending WHERE at >= :since
GROUP BY of_bot, of_chat, of_person, of_model
ORDER BY sum(cost_micro) DESC, sum(prompt_tokens + answer_tokens) DESC, of_bot, of_chat, of_person,
  of_model
LIMIT :limit;
