-- What workers have to be told, written in the transaction of the rows that it speaks of. Without another queue this is
-- the queue; with one it is the outbox, from which messages are sent.
create table messages (
  seq bigint generated always as identity primary key,
  type text not null,
  body text not null,
  -- W3C Trace Context, of the request that it comes from.
  traceparent text,
  created_at timestamptz(3) not null default clock_timestamp(),
  -- Until then it is somebody's, or waits for its next attempt. Not rounded: a new one is visible at once.
  visible_at timestamptz not null default clock_timestamp(),
  receives integer not null default 0,
  -- Why it was given up.
  dead_reason text
);

create index messages_due on messages (visible_at, seq) where dead_reason is null;
