import type { Pool } from './pool.ts'
import { statement } from './statements.ts'

const EVERY_MS_MAX = 5000
/** In one statement, so that it holds nobody up. */
const ROWS_MAX = 10_000

const prune = statement('feed-prune')

/** Keeps the feed at its retention. Every process tries; what one has removed is not there for the next. */
export function createPruning(pool: Pool, retentionMs: number): { start(): void; close(): void } {
  let timer: NodeJS.Timeout | undefined

  async function pruneAll(): Promise<void> {
    let removed: unknown
    do {
      const [row] = await pool.use((session) => session.query(prune, [retentionMs, ROWS_MAX]))
      removed = row?.[0]
    } while (removed === ROWS_MAX)
  }

  return {
    start() {
      // What fails now is done the next time.
      timer = setInterval(() => pruneAll().catch(() => {}), Math.min(retentionMs, EVERY_MS_MAX))
    },
    close: () => clearInterval(timer),
  }
}
