import { type Item, PAGE_BYTES_MAX } from '../../domain/item.ts'
import type { ListQuery, Page } from '../../ports/store.ts'
import { type Batcher, createBatcher } from '../batcher.ts'
import { batchFault, unavailable } from './faults.ts'
import type { LaneOptions } from './lanes.ts'
import { itemOfRow } from './reads.ts'
import type { Session } from './session.ts'
import { statement } from './statements.ts'

const list = statement('list')

/** Before every character of an id, and behind every one: `a\x01` is the first text after `a` that an id may be. */
const BEFORE = '\x01'
const BEHIND = '\x7f'

/** Pages of items: each costs as much as it holds, wherever it begins. */
export function createLists({ pool, lanesMax, onBatch }: LaneOptions): Batcher<ListQuery, Page> {
  return createBatcher<ListQuery, Page, Session>({
    lanesMax,
    rowsMax: 1,
    withLane: pool.use,
    onBatch,
    async send(session, [query]) {
      const { prefix, after, limit } = query as ListQuery
      const from = after !== undefined && after >= prefix ? after + BEFORE : prefix
      const values = [from, prefix + BEHIND, limit + 1, PAGE_BYTES_MAX]
      const rows = await session.query(list, values).catch((fault) => {
        throw batchFault(fault, unavailable(fault))
      })
      return [pageOf(rows.map(itemOfRow), limit)]
    },
  })
}

/** There is one item more than asked for if there are more; those that the page has no room for come without a value. */
function pageOf(items: readonly Item[], limit: number): Page {
  const noRoomAt = items.findIndex(({ value }) => value === null)
  const end = noRoomAt === -1 ? limit : Math.min(limit, noRoomAt)
  return { items: items.slice(0, end), more: items.length > end }
}
