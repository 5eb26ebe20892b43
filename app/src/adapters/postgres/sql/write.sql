-- Puts and deletes of different ids, each with its row in the outbox: $1 ids, $2 values (null deletes), $3 conditions,
-- $4 fingerprints, $5 whether no row has a condition. A row that is not returned was refused.
--
-- A condition is null for none, a version, 0 for "absent", -1 for "present", -2 for "never existed". It is judged under
-- the row's lock. For an id without a row there is nothing to lock: what needs an item is left out, which is right
-- for the state that this statement sees, because rows are never removed.
--
-- Rows are locked in byte order of their ids, as by every other statement, so that batches cannot deadlock.
-- clock_timestamp() and not now(): the time of a version is later than that of the version before it.
-- A sequence for `version` would be read before the lock is had, and is wrong.
with input as materialized (
  select id, value, condition, fingerprint
  from unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) as i (id, value, condition, fingerprint)
),
written as (
  insert into data as d (id, value, version, updated_at, fingerprint)
  select id, value, 1, clock_timestamp(), fingerprint
  from input
  where
    condition is null
    or condition in (0, -2)
    -- A scalar subquery, because `exists` may be planned as a hash of the whole table.
    or (select true from data where data.id = input.id)
  order by id collate "C"
  on conflict (id) do update set
    value = excluded.value,
    version = d.version + 1,
    created_at = case when d.value is not null then coalesce(d.created_at, d.updated_at) end,
    updated_at = clock_timestamp()
  where
    $5::boolean
    or (
      select
        case condition
          when 0 then d.value is null
          when -1 then d.value is not null
          when -2 then false
          else condition is null or (d.value is not null and d.version = condition)
        end
      from input
      where input.id = d.id
    )
  returning id, version, created_at, updated_at, deleted
),
noted as (
  insert into outbox (id, version, deleted, at)
  select id, version, deleted, updated_at from written
)
select
  id,
  version,
  created_at is null as created,
  round(date_part('epoch', coalesce(created_at, updated_at)) * 1000) as created_at_ms,
  round(date_part('epoch', updated_at) * 1000) as updated_at_ms
from written
