-- name: operators
-- Everybody of the console, by name.
SELECT id, name, role, created_at, is_disabled FROM operators ORDER BY name;

-- name: operator
-- Somebody of the console.
SELECT id, name, role, created_at, is_disabled FROM operators WHERE id = :operator;

-- name: add_operator
-- Somebody new; nothing when the name is taken.
INSERT OR IGNORE INTO operators (name, role, created_at, password_hash)
VALUES (:name, :role, :now, :password_hash);

-- name: change_operator
-- Change what is given.
UPDATE operators SET
  role = coalesce(:role, role), password_hash = coalesce(:password_hash, password_hash),
  is_disabled = coalesce(:is_disabled, is_disabled)
WHERE id = :operator;

-- name: has_admin
-- Whether somebody is left who may change everything.
SELECT 1 FROM operators WHERE role = 'admin' AND NOT is_disabled LIMIT 1;

-- name: password_hash
-- An operator who may log in, and their hash.
SELECT id, name, role, created_at, is_disabled, password_hash FROM operators
WHERE name = :name AND NOT is_disabled;

-- name: open_session
-- A log-in.
INSERT INTO operator_sessions (
  operator, created_at, seen_at, expires_at, agent, address, secret_hash
)
VALUES (:operator, :now, :now, :expires_at, :agent, :address, :secret_hash);

-- name: session
-- Who is logged in with a secret.
SELECT s.id, s.operator, s.created_at, s.seen_at, s.expires_at, s.agent, s.address,
       o.id, o.name, o.role, o.created_at, o.is_disabled
FROM operator_sessions s JOIN operators o ON o.id = s.operator
WHERE s.secret_hash = :secret_hash AND s.expires_at > :now AND NOT o.is_disabled;

-- name: touch_session
-- A session lives on.
UPDATE operator_sessions SET seen_at = :now, expires_at = :expires_at WHERE id = :session;

-- name: sessions
-- Sessions that are alive, newest first, of one operator or of all.
SELECT id, operator, created_at, seen_at, expires_at, agent, address FROM operator_sessions
WHERE (operator = :operator OR :operator IS NULL) AND expires_at > :now
ORDER BY id DESC LIMIT :limit;

-- name: end_session
-- Log somebody out.
DELETE FROM operator_sessions WHERE id = :session RETURNING operator;

-- name: end_sessions
-- Log somebody out everywhere.
DELETE FROM operator_sessions WHERE operator = :operator;

-- name: end_dead_sessions
-- Forget log-ins that are over.
DELETE FROM operator_sessions WHERE expires_at <= :now;

-- name: end_oldest_sessions
-- Keep only the newest log-ins of somebody.
DELETE FROM operator_sessions WHERE operator = :operator AND id NOT IN (
  SELECT id FROM operator_sessions WHERE operator = :operator ORDER BY id DESC LIMIT :keep
);

-- name: add_token
-- A token.
INSERT INTO tokens (name, scopes, created_at, created_by, expires_at, secret_hash)
VALUES (:name, :scopes, :now, :author, :expires_at, :secret_hash);

-- name: token
-- The token with a secret, while it is worth something.
SELECT id, name, scopes, created_at, created_by, last_used_at, expires_at FROM tokens
WHERE secret_hash = :secret_hash AND coalesce(expires_at, :now + 1) > :now;

-- name: use_token
-- A token was used.
UPDATE tokens SET last_used_at = :now WHERE id = :token;

-- name: tokens
-- All tokens, newest first.
SELECT id, name, scopes, created_at, created_by, last_used_at, expires_at FROM tokens
ORDER BY id DESC LIMIT :limit;

-- name: revoke_token
-- A token is worth nothing; the audit remembers it.
DELETE FROM tokens WHERE id = :token RETURNING name;

-- name: put_code
-- A one-time code; it replaces an older one.
INSERT INTO codes (purpose, code_hash, expires_at) VALUES (:purpose, :code_hash, :expires_at)
ON CONFLICT (purpose) DO UPDATE SET
  code_hash = excluded.code_hash, expires_at = excluded.expires_at, wrong = 0;

-- name: code
-- A code that is still worth something.
SELECT code_hash, wrong FROM codes WHERE purpose = :purpose AND expires_at > :now;

-- name: count_wrong
-- Somebody tried another one.
UPDATE codes SET wrong = wrong + 1 WHERE purpose = :purpose;

-- name: drop_code
-- A code is used up.
DELETE FROM codes WHERE purpose = :purpose;

-- name: drop_dead_codes
-- Forget codes that are over.
DELETE FROM codes WHERE expires_at <= :now;

-- name: audit
-- A line of the audit.
INSERT INTO audit (at, author, action, subject, details)
VALUES (:now, :author, :action, :subject, :details);

-- name: audit_lines
-- Lines, newest first, before one of them.
SELECT id, at, author, action, subject, details FROM audit
WHERE id < :before ORDER BY id DESC LIMIT :limit;
