-- What every session is made to be, and what it says of its server.
--   Plans go by index alone: a plan made while a table was small would go on reading all of it after an import.
--   So there is one plan for all values, and it is made once: left to itself the server made a new one for every list
--   of a large table, which took longer than the list, and for the first statements of every session.
--   A commit that is answered is on disk, whatever the role's default is.
select
  current_setting('transaction_read_only') = 'on' as read_only,
  current_setting('server_encoding') as encoding,
  set_config('enable_seqscan', 'off', false),
  set_config('enable_bitmapscan', 'off', false),
  set_config('plan_cache_mode', 'force_generic_plan', false),
  set_config('jit', 'off', false),
  set_config(
    'synchronous_commit',
    case current_setting('synchronous_commit') when 'off' then 'on' else current_setting('synchronous_commit') end,
    false
  )
