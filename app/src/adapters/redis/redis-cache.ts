import type { Config } from '../../config.ts'
import type { Log } from '../../log.ts'
import type { Metrics } from '../../metrics.ts'
import {
  type Cache,
  type Cached,
  FENCE_MS,
  type Found,
  NOTE_AGE_MS_MAX,
  NOTE_TRAVEL_MS_MAX,
} from '../../ports/cache.ts'
import type { Caller } from '../../ports/store.ts'
import { createBatcher } from '../batcher.ts'
import { createOutageLog } from '../outage-log.ts'
import { redisAddress } from './address.ts'
import { connect, type RedisClient } from './client.ts'
import { createConnection } from './connection.ts'
import { cachedOf, cachedText } from './entry-text.ts'
import { createKeys } from './keys.ts'
import { createRedisMetrics } from './redis-metrics.ts'
import { createUpdates, fenceNote, type Note, positionOf } from './updates.ts'

export interface RedisCacheOptions {
  readonly config: Config
  readonly registry: Metrics
  readonly log: Log
  /** The feed that versions and positions are of: what another feed's processes keep is never seen. */
  readonly feedId: () => string
  /** How long an item is kept at most. */
  readonly lifetimeMs: number
}

const CONNECT_TIMEOUT_MS = 1000
const LANES_MAX = 2
const ROWS_MAX = 128
/** By up to this part an item's lifetime is shorter: what came at one time does not go, and is not missed, at one time. */
const LIFETIME_JITTER = 0.1

/** The cache in Redis or Valkey, one server or a cluster. Never reads from replicas. */
export function createRedisCache(options: RedisCacheOptions): Cache {
  const { config, registry, log, feedId, lifetimeMs } = options
  const outage = createOutageLog(log, 'cache')
  const connection = createConnection({
    open,
    timeoutMs: config.REDIS_TIMEOUT_MS,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    outage,
  })
  const metrics = createRedisMetrics(registry, connection)
  const keys = createKeys(feedId)
  const updates = createUpdates({ connection, keys, onBatch: metrics.batchesOf('update') })

  const reads = createBatcher<string, Found | undefined, RedisClient>({
    lanesMax: LANES_MAX,
    rowsMax: ROWS_MAX,
    keyOf: (id) => id,
    sameKey: 'share',
    withLane: connection.use,
    onBatch: metrics.batchesOf('read'),
    async send(client, ids) {
      const parts = ids.map((id) => keys.partOf(id, client))
      const asked = [...new Set(parts)]
      const texts = await client.mGet([
        ...asked.map(keys.ofPosition),
        ...ids.map((id) => keys.ofEntry(id, client)),
      ])
      const positions = new Map(asked.map((part, at) => [part, positionOf(texts[at])]))
      return ids.map((id, at) => {
        const text = texts[asked.length + at]
        const cached = text == null ? undefined : cachedOf(id, text)
        if (cached === undefined) return undefined
        const { entry, storedAtMs } = cached
        return { entry, storedAtMs, position: positions.get(parts[at] as number) }
      })
    },
  })

  async function open(onLost: (reason: Error) => void, givenUp: AbortSignal): Promise<RedisClient> {
    const client = await connect(redisAddress(config), CONNECT_TIMEOUT_MS, onLost, givenUp)
    await updates.probe(client)
    return client
  }

  /** Callers of updates are the cache's own: each waits for one call before its own, and for its own. */
  function caller(): Caller {
    return { deadlineMs: performance.now() + config.REDIS_TIMEOUT_MS, left: false }
  }

  function noteOf(cached: Cached, asOfMs: number): Note {
    const { id, value } = cached.entry
    return {
      id,
      text: cachedText(cached),
      lifetimeMs: value === undefined ? FENCE_MS : lifetimeMs * (1 - LIFETIME_JITTER * Math.random()),
      notAfterMs: asOfMs + NOTE_TRAVEL_MS_MAX,
    }
  }

  return {
    get(id, caller) {
      try {
        feedId()
      } catch (error) {
        // The store has never been reached: that is no fault of Redis.
        return Promise.reject(error)
      }
      return reads.add(id, caller)
    },

    async keep(cached, asOfMs) {
      if (performance.now() - asOfMs > NOTE_AGE_MS_MAX) return false
      return updates.add(noteOf(cached, asOfMs), caller())
    },

    async fence(fences) {
      await Promise.all(fences.map((fence) => updates.add(fenceNote(fence), caller())))
    },

    position: () => connection.use((client) => updates.position(client)),
    repair: (repair) => connection.use((client) => updates.repair(client, repair)),

    status() {
      if (connection.state === 'closed') return { state: 'ok', latencyMs: connection.latencyMs }
      return { state: 'unavailable', latencyMs: connection.latencyMs, detail: 'the cache cannot be reached' }
    },
    start: connection.start,
    close: connection.close,
  }
}
