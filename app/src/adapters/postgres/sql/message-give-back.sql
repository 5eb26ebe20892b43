-- Has messages $1, or all if it is null, tried again from the first attempt on.
update messages set dead_reason = null, receives = 0, visible_at = clock_timestamp()
where dead_reason is not null and ($1::bigint[] is null or seq = any($1))
returning seq
