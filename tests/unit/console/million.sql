-- name: chats
-- Two thousand chats, a third of them private.
INSERT INTO chats (id, bot, platform_id, kind, title, mode_since_at)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
SELECT i + 1, 'b', 'oc_' || i, iif(i % 3, 'group', 'private'), iif(i % 3, '群 ' || i, ''), 0 FROM n;

-- name: events
-- Half a million messages of the 30 days before :now.
INSERT INTO events (id, chat, kind, key, message_id, entrance, platform_at, accepted_at, state,
                    reason, turn, is_part, has_slot, body)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000),
  t (i, chat, at) AS (SELECT i, 2 + i * 7919 % 2000, :now - 2592000 * (1 - i / 500000.0) FROM n)
SELECT i, chat, 'message', 'm:' || i, 'om' || i, 'webhook', at, at, 'routed', '', i, 1, 0,
  json_object('type', 'message', 'key', 'm:' || i,
    'place', json_object('bot', 'b', 'platform_id', 'oc_' || (chat - 1)),
    'sender', json_object('id', 'u' || (i % 500), 'name', '小' || (i % 500)),
    'message_id', 'om' || i, 'at', at,
    'parts', json_array(json_object('type', 'text', 'text', '第 ' || i || ' 个问题：打印机连不上')))
FROM t;

-- name: turns
-- What dealt with them.
INSERT INTO turns (id, lane, place, chat, session, handler, person, state, reason, on_edit,
                   accepted_at, burst_until_at, event_count, finished_at, tries)
SELECT id, 't:' || chat || ':m:u' || (id % 500), id, chat, chat || ':m:u' || (id % 500), 'demo',
  'u' || (id % 500), 'finished', iif(id % 20, 'answered', 'no_answer'), 'ignore', accepted_at,
  accepted_at, 1, accepted_at + 1, 1
FROM events;

-- name: deliveries
-- What was answered; one in a thousand failed.
INSERT INTO deliveries (id, bot, chat, origin, ordinal, part, kind, state, policy, key, body,
                        attempts, queued_at, first_sent_at, unclear_calls, is_repeated,
                        may_be_duplicate, withdraw_wanted, platform_ids, reason, content, put_at,
                        settled_at, person, is_report)
SELECT id, 'b', chat, 'turn:' || id, 0, 0, 'send', iif(id % 1000, 'sent', 'failed'),
  'at_least_once', 'k', x'00', 1, accepted_at + 1, accepted_at + 1, 0, 0, 0, 0, '[]',
  iif(id % 1000, '', 'refused_by_platform 60020'),
  json_object('text', '请重启打印机（' || id || '）。'), accepted_at + 1, accepted_at + 1.5,
  'u' || (id % 500), 0
FROM events;
