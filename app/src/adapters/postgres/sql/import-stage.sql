-- Keeps a chunk of an import that receives: $1 import, $2 number, $3 ids, $4 values, $5 superseded, $6 rejected, and of
-- its errors $7 lines, $8 codes, $9 details. Returns no row when it receives no longer.
with heard as (
  update imports set
    chunks = chunks + 1,
    lines_total = lines_total + cardinality($3::text[]) + $5::integer + $6::integer,
    lines_rejected = lines_rejected + $6::integer,
    heard_at = clock_timestamp()
  where id = $1 and state = 'receiving' and chunks = $2::integer
  returning id
),
kept as (
  insert into import_chunks (import_id, number, ids, item_values, superseded)
  select id, $2::integer, $3::text[], $4::text[], $5::integer from heard
),
faults as (
  insert into import_errors (import_id, line, code, detail)
  select heard.id, line, code, detail
  from heard, unnest($7::bigint[], $8::text[], $9::text[]) as f (line, code, detail)
)
select id from heard
