-- Up to $1 messages whose time has come. They are nobody else's for $2 milliseconds, and received $3 times more.
with due as (
  select seq
  from messages
  where visible_at <= clock_timestamp() and dead_reason is null
  order by visible_at, seq
  limit $1
  for update skip locked
),
claimed as (
  update messages m set
    visible_at = clock_timestamp() + $2::double precision * interval '1 millisecond',
    receives = receives + $3::integer
  from due
  where m.seq = due.seq
  returning m.seq, type, body, traceparent, receives
)
select seq, type, body, traceparent, receives from claimed order by seq
