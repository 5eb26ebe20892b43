-- Messages that wait, and how long the oldest has, in milliseconds.
select count(*), coalesce(max(date_part('epoch', clock_timestamp() - created_at)) * 1000, 0)
from messages
where dead_reason is null
