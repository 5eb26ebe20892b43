-- Import $1, with its errors as arrays in order of their lines.
select
  state,
  detail,
  lines_total,
  lines_applied,
  lines_rejected,
  lines_superseded,
  round(date_part('epoch', created_at) * 1000) as created_at_ms,
  round(date_part('epoch', coalesce(finished_at, heard_at)) * 1000) as updated_at_ms,
  round(date_part('epoch', finished_at) * 1000) as finished_at_ms,
  (
    select coalesce(json_agg(json_build_object('line', line, 'code', code, 'detail', detail) order by line), '[]')
    from import_errors
    where import_id = imports.id
  ) as errors
from imports
where id = $1
