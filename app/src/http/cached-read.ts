import type { Item } from '../domain/item.ts'
import type { ItemRead, ItemReader } from '../ports/item-reader.ts'
import type { Reply, Request } from './framework.ts'

/** `Cache-Status` (RFC 9211): which level answered, or why none did. */
const ANSWERED = {
  near: 'near; hit',
  redis: 'redis; hit',
  store: 'redis; fwd=miss',
} as const satisfies Record<ItemRead['level'], string>
const STALE = 'redis; hit; detail=stale'
const ASKED_FOR_THE_STORE = 'redis; fwd=request'

/**
 * Reads by way of the cache, unless the request will not have it so, and says in the answer which level it was. Answers
 * without a promise when the reader does: one more would cost a hit as much as the hit itself.
 */
export function readCached(
  reader: ItemReader,
  id: string,
  { headers, exchange }: Request,
  reply: Reply,
): Item | undefined | Promise<Item | undefined> {
  if (asksForTheStore(headers['cache-control'])) {
    return reader.readThrough(id, exchange).then((read) => tell(reply, read, ASKED_FOR_THE_STORE))
  }
  const read = reader.read(id, exchange)
  return read instanceof Promise ? read.then((late) => tell(reply, late)) : tell(reply, read)
}

function tell(
  reply: Reply,
  { item, level, isStale, ageMs }: ItemRead,
  status = isStale ? STALE : ANSWERED[level],
): Item | undefined {
  reply.header('cache-status', status)
  if (level !== 'store') reply.header('age', String(Math.floor(ageMs / 1000)))
  return item
}

/** `no-cache` and `no-store` (RFC 9111, section 5.2.1), and an age of which no cached answer can be sure to be below. */
function asksForTheStore(cacheControl: string | undefined): boolean {
  return (
    cacheControl !== undefined && /(?:^|[\s,])(?:no-cache|no-store|max-age=0+)(?:[\s,]|$)/i.test(cacheControl)
  )
}
