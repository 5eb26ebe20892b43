-- Applies one chunk of an import whose row is locked, and forgets it: $1 import, $2 number. Rows are written as by
-- write.sql, in byte order of their ids.
with chunk as materialized (
  delete from import_chunks
  where import_id = $1 and number = $2::integer
  returning ids, item_values, superseded
),
written as (
  insert into data as d (id, value, version, updated_at)
  select i.id, i.value, 1, clock_timestamp()
  from chunk, unnest(chunk.ids, chunk.item_values) as i (id, value)
  order by i.id collate "C"
  on conflict (id) do update set
    value = excluded.value,
    version = d.version + 1,
    created_at = case when d.value is not null then coalesce(d.created_at, d.updated_at) end,
    updated_at = clock_timestamp()
  returning id, version, updated_at, deleted
),
noted as (
  insert into outbox (id, version, deleted, at)
  select id, version, deleted, updated_at from written
)
update imports set
  state = case when next_chunk + 1 < chunks then 'running' else 'succeeded' end,
  finished_at = case when next_chunk + 1 < chunks then null else clock_timestamp() end,
  next_chunk = next_chunk + 1,
  heard_at = clock_timestamp(),
  lines_applied = lines_applied + (select count(*) from written),
  lines_superseded = lines_superseded + (select superseded from chunk)
where id = $1
returning state
