import type { Change } from '../../domain/item.ts'
import type { Feed, FeedPage, FeedQuery } from '../../ports/store.ts'
import { readFault, unavailable } from './faults.ts'
import { createSingles, type LaneOptions } from './lanes.ts'
import type { Relay } from './relay.ts'
import type { Row } from './session.ts'
import { statement } from './statements.ts'

const page = statement('feed-page')

export interface PostgresFeed extends Feed {
  /** Reads that wait to be sent. */
  readonly waiting: number
}

/** The change feed as readers have it. The relay makes it; a reader has it run first, so that it misses nothing. */
export function createPostgresFeed(lanes: LaneOptions, relay: Relay): PostgresFeed {
  const pages = createSingles<FeedQuery, FeedPage>({
    ...lanes,
    // A thousand readers at the end of the feed are one query.
    keyOf: ({ after, limit }) => `${after} ${limit}`,
    sameKey: 'share',
    faultOf: readFault,
    send: async (session, { after, limit }) =>
      pageOf(await session.query(page, [after ?? null, limit]), after),
  })

  return {
    get id() {
      // Cursors come from another process, and may be here before this one has had its first round.
      if (relay.feedId === '') throw unavailable()
      return relay.feedId
    },
    get lastPosition() {
      return relay.lastPosition
    },
    async read(query, caller) {
      await relay.catchUp()
      return pages.add(query, caller)
    },
    wait: relay.wait,
    get waiting() {
      return pages.waiting
    },
  }
}

function pageOf(rows: readonly Row[], after: number | undefined): FeedPage {
  const [, end, oldest] = rows[0] as [string, number, number]
  const from = after ?? oldest
  if (from < oldest || from > end) return { ok: false, oldest }
  const changes = rows.filter(([, , , position]) => position !== null).map(changeOf)
  return { ok: true, changes, last: changes.at(-1)?.position ?? from }
}

function changeOf(row: Row): Change {
  const [, , , position, id, version, deleted, atMs] = row as [
    string,
    number,
    number,
    number,
    string,
    number,
    boolean,
    number,
  ]
  return { position, id, version, op: deleted ? 'delete' : 'put', atMs }
}
