-- Items from id $1 to before id $2, in byte order, at most $3. The value is null where the page holds over $4 bytes
-- without it, but never in the first row. octet_length does not read what is stored out of line.
select
  id,
  case when bytes <= $4 or bytes = octet_length(value) then value end as value,
  version,
  round(date_part('epoch', coalesce(created_at, updated_at)) * 1000) as created_at_ms,
  round(date_part('epoch', updated_at) * 1000) as updated_at_ms
from (
  select *, sum(octet_length(value)) over (order by id rows unbounded preceding) as bytes
  from data
  where not deleted and id >= $1 and id < $2
  order by id
  limit $3
) as page
order by id
