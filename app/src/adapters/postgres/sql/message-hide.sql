-- Message $1 has its next attempt after $2 milliseconds.
update messages set visible_at = clock_timestamp() + $2::double precision * interval '1 millisecond'
where seq = $1 and dead_reason is null
