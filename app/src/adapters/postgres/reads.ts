import type { Entry, Item } from '../../domain/item.ts'
import { type Batcher, createBatcher } from '../batcher.ts'
import { readFault } from './faults.ts'
import type { LaneOptions } from './lanes.ts'
import type { Row, Session } from './session.ts'
import { statement } from './statements.ts'
import { idArray } from './text-array.ts'

const read = statement('read')

const ROWS_MAX = 128

/** Entries by id, many in one statement. */
export function createReads({ pool, lanesMax, onBatch }: LaneOptions): Batcher<string, Entry> {
  return createBatcher<string, Entry, Session>({
    lanesMax,
    rowsMax: ROWS_MAX,
    keyOf: (id) => id,
    sameKey: 'share',
    withLane: pool.use,
    onBatch,
    async send(session, ids) {
      const rows = await session.query(read, [idArray(ids)]).catch((fault) => {
        throw readFault(fault)
      })
      const entries = new Map(rows.map((row) => [row[0] as string, entryOf(row)]))
      return ids.map((id) => entries.get(id) ?? { id, version: 0, value: undefined })
    },
  })
}

function entryOf(row: Row): Entry {
  const [id, value, version] = row as [string, string | null, number]
  return value === null ? { id, version, value: undefined } : itemOfRow(row)
}

/** Of a row of `id, value, version, created_at_ms, updated_at_ms`. */
export function itemOfRow(row: Row): Item {
  const [id, value, version, createdAtMs, updatedAtMs] = row as [string, string, number, number, number]
  return { id, value, version, createdAtMs, updatedAtMs }
}
