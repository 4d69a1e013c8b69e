-- What models cost where somebody only tried: no turn and no person's allowance hangs on it.

CREATE TABLE trial_spending (
  id            INTEGER PRIMARY KEY,
  handler       TEXT NOT NULL,
  author        TEXT NOT NULL,            -- "token:crm", "operator:ann"
  model         TEXT NOT NULL,
  bot           TEXT NOT NULL,            -- as whom where
  chat          INTEGER NOT NULL,
  person        TEXT NOT NULL,
  at            REAL NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  answer_tokens INTEGER NOT NULL,
  cost_micro    INTEGER NOT NULL
) STRICT;
CREATE INDEX trial_spending_by_age ON trial_spending (at);
