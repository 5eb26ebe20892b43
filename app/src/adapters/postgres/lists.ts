import { type Item, PAGE_BYTES_MAX } from '../../domain/item.ts'
import type { ListQuery, Page } from '../../ports/store.ts'
import type { Batcher } from '../batcher.ts'
import { readFault } from './faults.ts'
import { createSingles, type LaneOptions } from './lanes.ts'
import { itemOfRow } from './reads.ts'
import { statement } from './statements.ts'

const list = statement('list')

/** Before every character of an id, and behind every one: `a\x01` is the first text after `a` that an id may be. */
const BEFORE = '\x01'
const BEHIND = '\x7f'

/** Pages of items: each costs as much as it holds, wherever it begins. */
export function createLists(lanes: LaneOptions): Batcher<ListQuery, Page> {
  return createSingles<ListQuery, Page>({
    ...lanes,
    faultOf: readFault,
    async send(session, { prefix, after, limit }) {
      const from = after !== undefined && after >= prefix ? after + BEFORE : prefix
      const rows = await session.query(list, [from, prefix + BEHIND, limit + 1, PAGE_BYTES_MAX])
      return pageOf(rows.map(itemOfRow), limit)
    },
  })
}

/** There is one item more than asked for if there are more; those that the page has no room for come without a value. */
function pageOf(items: readonly Item[], limit: number): Page {
  const noRoomAt = items.findIndex(({ value }) => value === null)
  const end = noRoomAt === -1 ? limit : Math.min(limit, noRoomAt)
  return { items: items.slice(0, end), more: items.length > end }
}
