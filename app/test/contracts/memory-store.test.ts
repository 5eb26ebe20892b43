import { createMemoryStore } from '../../src/adapters/memory/memory-store.ts'
import { systemClock } from '../../src/ports/clock.ts'
import { storeContract } from './store-contract.ts'

storeContract('memory', async () => {
  const store = createMemoryStore({
    clock: systemClock,
    bytesMax: 64 * 1024 * 1024,
    changesRetentionMs: 3_600_000,
    changesMax: 10_000,
  })
  return { store, stop: () => store.close() }
})
