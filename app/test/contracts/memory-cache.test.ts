import { createMemoryCache } from '../../src/adapters/memory/memory-cache.ts'
import { cacheContract, LIFETIME_MS } from './cache-contract.ts'

cacheContract('memory', async () => {
  const cache = createMemoryCache({ lifetimeMs: LIFETIME_MS })
  return { cache, stop: () => cache.close() }
})
