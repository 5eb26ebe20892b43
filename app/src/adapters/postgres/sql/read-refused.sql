-- What refused a write: $1 text[]. A statement of its own, because the one that was refused sees an older state than
-- the row that it met.
select
  id,
  version,
  deleted,
  fingerprint,
  round(date_part('epoch', coalesce(created_at, updated_at)) * 1000) as created_at_ms
from data
where id = any($1::text[])
