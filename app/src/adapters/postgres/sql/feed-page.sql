-- The changes after position $1 (null: all that are kept), at most $2, each beside the feed's own state.
select
  counter.feed_id,
  counter.last_position,
  coalesce((select min(position) from feed) - 1, counter.last_position) as oldest,
  page.position,
  page.id,
  page.version,
  page.deleted,
  round(date_part('epoch', page.at) * 1000) as at_ms
from feed_counter as counter
left join lateral (
  select * from feed where position > coalesce($1, 0) order by position limit $2
) as page on true
order by page.position
