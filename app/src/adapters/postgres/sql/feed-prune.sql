-- Removes changes that are older than $1 milliseconds, at most $2 of them, from the oldest on and without a gap, and
-- tells how many. Looks at no more rows than that.
with oldest as (
  select position, at from feed order by position limit $2
),
gone as (
  delete from feed
  where position < (
    select coalesce(
      min(position) filter (where at >= clock_timestamp() - $1 * interval '1 millisecond'),
      max(position) + 1
    )
    from oldest
  )
  returning position
)
select count(*) from gone
