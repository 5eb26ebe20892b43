import { startRedisCluster, startRedisServer } from '../support/redis.ts'
import { startCache } from '../support/redis-cache.ts'
import { cacheContract, LIFETIME_MS } from './cache-contract.ts'

for (const [name, startServer] of [
  ['Redis', startRedisServer],
  ['a cluster of Redis', startRedisCluster],
] as const) {
  cacheContract(name, async () => {
    const server = await startServer()
    const cache = await startCache({ REDIS_URL: server.url }, { lifetimeMs: LIFETIME_MS })
    return {
      cache,
      async stop() {
        await cache.close()
        await server[Symbol.asyncDispose]()
      },
    }
  })
}
