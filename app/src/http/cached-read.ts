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

/** Reads by way of the cache, unless the request will not have it so, and says in the answer which level it was. */
export async function readCached(
  reader: ItemReader,
  id: string,
  request: Request,
  reply: Reply,
): Promise<Item | undefined> {
  if (asksForTheStore(request.headers['cache-control'])) {
    const { item } = await reader.readThrough(id, request.exchange)
    reply.header('cache-status', ASKED_FOR_THE_STORE)
    return item
  }
  const read = reader.read(id, request.exchange)
  const { item, level, isStale, ageMs } = read instanceof Promise ? await read : read
  reply.header('cache-status', isStale ? STALE : ANSWERED[level])
  if (level !== 'store') reply.header('age', String(Math.floor(ageMs / 1000)))
  return item
}

/** `no-cache` and `no-store` (RFC 9111, section 5.2.1), and an age of which no cached answer can be sure to be below. */
function asksForTheStore(cacheControl: string | undefined): boolean {
  return (
    cacheControl !== undefined && /(?:^|[\s,])(?:no-cache|no-store|max-age=0+)(?:[\s,]|$)/i.test(cacheControl)
  )
}
