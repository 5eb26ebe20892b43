-- Up to $1 messages that were given up.
select seq, type, body, traceparent, dead_reason, receives, round(date_part('epoch', created_at) * 1000)
from messages
where dead_reason is not null
order by seq
limit $1
