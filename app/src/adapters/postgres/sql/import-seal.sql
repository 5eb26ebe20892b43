-- The body of import $1 has ended. Returns no row when it receives no longer.
update imports set
  state = case when chunks = 0 then 'succeeded' else 'queued' end,
  finished_at = case when chunks = 0 then clock_timestamp() end,
  heard_at = clock_timestamp()
where id = $1 and state = 'receiving'
returning id
