-- name: keep
-- Keep a payload; one whose key is known stays as it is.
INSERT INTO parcels (bot, key, goes_first, payload, came_at)
VALUES (:bot, :key, :goes_first, :payload, :now)
ON CONFLICT (bot, key) DO NOTHING;

-- name: held
-- Who holds a bot's parcels, under which number, until when.
SELECT holder, number, until_at FROM parcel_leases WHERE bot = :bot;

-- name: hold
-- A house holds a bot's parcels from now on.
INSERT INTO parcel_leases (bot, holder, number, until_at, fetched_at)
VALUES (:bot, :holder, :number, :until_at, :now)
ON CONFLICT (bot) DO UPDATE
SET holder = :holder, number = :number, until_at = :until_at, fetched_at = :now;

-- name: head
-- What waits for a bot: orders first, then in the order in which it came; and how long each is.
SELECT id, length(payload) FROM parcels
WHERE bot = :bot AND taken_at IS NULL ORDER BY goes_first DESC, id LIMIT :rows_max;

-- name: give
-- A parcel goes out with a lease.
UPDATE parcels SET lease = :number WHERE id = :id RETURNING id, payload, came_at;

-- name: take
-- A house has a parcel: its payload is gone from here, its key stays.
UPDATE parcels SET taken_at = :now, payload = NULL
WHERE id = :id AND bot = :bot AND lease = :number AND taken_at IS NULL;

-- name: waiting
-- How much waits for each bot, and since when.
SELECT bot, count(*), min(came_at) FROM parcels WHERE taken_at IS NULL GROUP BY bot;

-- name: leased
-- How much of what waits is out with the newest lease.
SELECT count(*) FROM parcels WHERE bot = :bot AND taken_at IS NULL AND lease = :number;

-- name: leases
-- The newest lease of every bot.
SELECT bot, number, until_at, fetched_at FROM parcel_leases ORDER BY bot;

-- name: prune
-- Forget old keys of what houses have.
DELETE FROM parcels WHERE id IN (
  SELECT p.id FROM parcels p WHERE p.taken_at < :before ORDER BY p.taken_at LIMIT :rows_max);
