import type { Database } from '../postgres.ts'

/** Writes of ids that begin with `slow-` take so long each, so that a test can act in the middle of a chunk. */
export async function slowDown({ query }: Database, ms: number): Promise<void> {
  await onWrites(query, 'slow', `perform pg_sleep(${ms / 1000})`)
}

/** PostgreSQL refuses to write ids that begin with `poison-`, until `cure`. */
export async function poison({ query }: Database): Promise<void> {
  await onWrites(query, 'poison', `raise exception 'the poison works'`)
}

export async function cure({ query }: Database): Promise<void> {
  await query('drop trigger poison on data')
}

async function onWrites(query: Database['query'], name: string, action: string): Promise<void> {
  await query(
    `create function ${name}() returns trigger language plpgsql as $$ begin ${action}; return new; end $$`,
  )
  await query(
    `create trigger ${name} before insert on data for each row when (new.id like '${name}-%') execute function ${name}()`,
  )
}
