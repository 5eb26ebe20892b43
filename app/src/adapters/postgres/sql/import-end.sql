-- Ends import $1, unless it has ended: $2 the state, $3 why, $4 the states in which it may be. Its chunks are forgotten.
with ended as (
  update imports set state = $2, detail = $3, finished_at = clock_timestamp()
  where id = $1 and state = any($4::text[])
  returning id
)
delete from import_chunks using ended where import_id = ended.id
