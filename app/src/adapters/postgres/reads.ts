import type { Item } from '../../domain/item.ts'
import { type Batcher, createBatcher } from '../batcher.ts'
import { batchFault, unavailable } from './faults.ts'
import type { LaneOptions } from './lanes.ts'
import type { Row, Session } from './session.ts'
import { statement } from './statements.ts'
import { idArray } from './text-array.ts'

const read = statement('read')

const ROWS_MAX = 128

/** Items by id, many in one statement: undefined for an absent one. */
export function createReads({ pool, lanesMax, onBatch }: LaneOptions): Batcher<string, Item | undefined> {
  return createBatcher<string, Item | undefined, Session>({
    lanesMax,
    rowsMax: ROWS_MAX,
    keyOf: (id) => id,
    sameKey: 'share',
    withLane: pool.use,
    onBatch,
    async send(session, ids) {
      const rows = await session.query(read, [idArray(ids)]).catch((fault) => {
        throw batchFault(fault, unavailable(fault))
      })
      const items = new Map(rows.map((row) => [row[0] as string, itemOf(row)]))
      return ids.map((id) => items.get(id))
    },
  })
}

/** Of a row of `id, value, version, created_at_ms, updated_at_ms`. */
export function itemOf(row: Row): Item {
  const [id, value, version, createdAtMs, updatedAtMs] = row as [string, string, number, number, number]
  return { id, value, version, createdAtMs, updatedAtMs }
}
