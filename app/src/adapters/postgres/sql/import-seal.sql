-- The body of import $1 has ended, which message $2 (type), $3 (body), $4 (traceparent) says to workers. Returns no row
-- when it receives no longer.
with sealed as (
  update imports set
    state = case when chunks = 0 then 'succeeded' else 'queued' end,
    finished_at = case when chunks = 0 then clock_timestamp() end,
    heard_at = clock_timestamp()
  where id = $1 and state = 'receiving'
  returning id, state
),
told as (
  insert into messages (type, body, traceparent)
  select $2, $3, $4 from sealed where state = 'queued'
)
select id from sealed
