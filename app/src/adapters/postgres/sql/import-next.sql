-- Locks the oldest import with work that nobody else has locked: its id and its next chunk.
select id, next_chunk
from imports
where state in ('queued', 'running')
order by created_at, id
limit 1
for update skip locked
