import { createRedisCache } from '../../src/adapters/redis/redis-cache.ts'
import { type Environment, parseConfig } from '../../src/config.ts'
import { createLog } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import type { Cache } from '../../src/ports/cache.ts'

export interface CacheOptions {
  readonly feedId?: string
  readonly lifetimeMs?: number
}

/** The cache of one process, started. A machine that is busy with other tests gets more time than it has by default. */
export async function startCache(
  environment: Environment,
  { feedId = 'feed', lifetimeMs = 300_000 }: CacheOptions = {},
): Promise<Cache & AsyncDisposable> {
  const config = parseConfig({
    DATABASE_URL: 'postgresql://nobody@localhost/none',
    REDIS_TIMEOUT_MS: '1000',
    ...environment,
  })
  const output = createLog('error')
  const registry = createMetrics(config, { version: 'test', commit: 'test' }, output)
  const cache = createRedisCache({ config, registry, log: output.log, feedId: () => feedId, lifetimeMs })
  await cache.start()
  return Object.assign(cache, { [Symbol.asyncDispose]: () => cache.close() })
}
