-- name: begin
-- Enter a push; one that was entered under its key stays.
INSERT INTO pushes (token, key, body_hash, targets, put_at)
VALUES (:token, :key, :body_hash, :targets, :now)
ON CONFLICT (token, key) DO NOTHING;

-- name: find
-- A push by its key.
SELECT id, token, key, targets, put_at, edits, recalled_at, body_hash, edit_hash FROM pushes
WHERE token = :token AND key = :key;

-- name: get
-- A push by its number.
SELECT id, token, key, targets, put_at, edits, recalled_at, body_hash, edit_hash FROM pushes
WHERE id = :push;

-- name: edit
-- A push gets other words once more.
UPDATE pushes SET edits = edits + 1, edit_hash = :edit_hash WHERE id = :push;

-- name: recall
-- A push is taken back; the first time counts.
UPDATE pushes SET recalled_at = coalesce(recalled_at, :now) WHERE id = :push;

-- name: said
-- What was put for a target under an origin.
SELECT id FROM deliveries WHERE origin = :origin AND ordinal = :ordinal ORDER BY part;

-- name: is_edited
-- Whether an edit of a target has been put.
SELECT 1 WHERE EXISTS (SELECT 1 FROM deliveries WHERE origin = :origin)
  OR EXISTS (SELECT 1 FROM amends WHERE origin = :origin);

-- name: deliveries
-- Everything said for a push, its edits included, target by target in the order it was put.
SELECT * FROM deliveries
WHERE origin = :origin OR (origin > :origin || '~' AND origin < :origin || '~~')
ORDER BY ordinal, id LIMIT :limit;
