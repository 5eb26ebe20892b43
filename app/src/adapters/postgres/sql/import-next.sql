-- Locks import $1, if nobody else has: its next chunk.
select next_chunk
from imports
where id = $1 and state in ('queued', 'running')
for update skip locked
