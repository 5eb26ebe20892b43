import type { Pool } from './pool.ts'

/** How one kind of request gets to the database. */
export interface LaneOptions {
  readonly pool: Pool
  /** Sessions that this kind may use at one time. */
  readonly lanesMax: number
  /** Sees every batch that was sent: its rows, and how long the round trip took. */
  readonly onBatch: (rows: number, ms: number) => void
}
