-- name: limits
-- How long anything may take on this connection, whether it may write, and that what is committed
-- is durable whatever the server's own setting. And how to plan: a statement keeps the plan that was
-- made when its tables were empty, so nothing is to be found by reading a whole table.
SELECT set_config('statement_timeout', :statement_ms, false),
       set_config('lock_timeout', :lock_ms, false),
       set_config('idle_in_transaction_session_timeout', :idle_ms, false),
       set_config('default_transaction_read_only', :is_reading, false),
       set_config('synchronous_commit', 'on', false),
       set_config('enable_seqscan', 'off', false),
       set_config('jit', 'off', false);
