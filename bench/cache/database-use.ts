import type { Database } from '../postgres/server.ts'

/** What PostgreSQL itself says that it did meanwhile. */
export interface DatabaseUse {
  readonly itemsRead: number
  readonly transactionsPerSecond: number
}

/**
 * What a database counted while `run` was run. A session of it reports each second at most, and what it had not yet
 * reported once it has been idle for ten: by then the rounds before are over.
 */
export async function useOf(database: Database, run: () => Promise<unknown>): Promise<DatabaseUse> {
  const look = async () => {
    const [row] = await database.query(`
      select xact_commit, (select idx_tup_fetch + seq_tup_read from pg_stat_user_tables where relname = 'data')
      from pg_stat_database where datname = current_database()`)
    return { atMs: performance.now(), transactions: Number(row?.[0]), items: Number(row?.[1]) }
  }
  const before = await look()
  await run()
  const after = await look()
  const seconds = (after.atMs - before.atMs) / 1000
  return {
    itemsRead: after.items - before.items,
    transactionsPerSecond: (after.transactions - before.transactions) / seconds,
  }
}
