-- Rows by id, those of deleted items too, whose value is null: $1 text[].
select
  id,
  value,
  version,
  round(date_part('epoch', coalesce(created_at, updated_at)) * 1000) as created_at_ms,
  round(date_part('epoch', updated_at) * 1000) as updated_at_ms
from data
where id = any($1::text[])
