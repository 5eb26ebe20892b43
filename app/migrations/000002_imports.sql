-- Bulk loads. What is staged is nobody's item until it is applied, chunk by chunk, in the transaction that forgets it.
create table imports (
  id text collate "C" primary key,
  state text not null default 'receiving'
    check (state in ('receiving', 'queued', 'running', 'succeeded', 'failed', 'canceled')),
  -- Why it failed, for its client.
  detail text,
  lines_total bigint not null default 0,
  lines_applied bigint not null default 0,
  lines_rejected bigint not null default 0,
  lines_superseded bigint not null default 0,
  -- Chunks that are staged, and the number of the one that is applied next.
  chunks integer not null default 0,
  next_chunk integer not null default 0,
  created_at timestamptz(3) not null default clock_timestamp(),
  -- When something of it came, was applied, or was asked for last.
  heard_at timestamptz(3) not null default clock_timestamp(),
  finished_at timestamptz(3)
);

create index imports_unfinished on imports (created_at, id) where state in ('receiving', 'queued', 'running');

create table import_chunks (
  import_id text collate "C" not null references imports on delete cascade,
  number integer not null,
  -- Of one length; each id once.
  ids text[] not null,
  item_values text[] not null,
  superseded integer not null,
  primary key (import_id, number)
);

create table import_errors (
  import_id text collate "C" not null references imports on delete cascade,
  line bigint not null,
  code text not null,
  detail text not null,
  primary key (import_id, line)
);
