-- The data. A deleted item keeps its row, a tombstone without a value, so that its version goes on counting. Rows are
-- never removed by requests: versions went backwards and batches deadlocked when they were.
create table data (
  -- Ids are ASCII; "C" is byte order, which the service knows as well: batches are sorted by it before they are sent.
  id text collate "C" primary key,
  -- JSON text as the client sent it, validated by the service alone: jsonb would lose digits, order and duplicates.
  value text,
  version bigint not null,
  -- Null as long as the item is as it was created: the time of creation is coalesce(created_at, updated_at).
  created_at timestamptz(3),
  updated_at timestamptz(3) not null,
  -- Of the request that created the id, if it may be retried.
  fingerprint text,
  deleted boolean not null generated always as (value is null) stored
);

-- Lists do not step over tombstones. A put of an item that exists leaves `deleted` alone, so that it stays a HOT update.
create index data_listed on data (id) where not deleted;

-- Changes that are committed and have no position in the feed yet, each written by the statement that made the change.
-- The identity has no cache: a session's cached numbers would let a later change of an id come before an earlier one.
create table outbox (
  seq bigint generated always as identity (cache 1) primary key,
  id text collate "C" not null,
  version bigint not null,
  deleted boolean not null,
  at timestamptz(3) not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

-- The change feed: dense positions, in an order that extends each id's own.
create table feed (
  position bigint primary key,
  id text collate "C" not null,
  version bigint not null,
  deleted boolean not null,
  at timestamptz(3) not null
);

-- One row: the last position, and an identity that tells this feed from any other.
create table feed_counter (
  feed_id text not null default left(gen_random_uuid()::text, 8),
  last_position bigint not null default 0,
  singleton boolean primary key default true check (singleton)
);

insert into feed_counter default values;
