import { createMemoryImports } from '../../src/adapters/memory/memory-imports.ts'
import { createMemoryStore } from '../../src/adapters/memory/memory-store.ts'
import { systemClock } from '../../src/ports/clock.ts'
import { importsContract } from './imports-contract.ts'

importsContract('memory', async () => {
  const bytesMax = 64 * 1024 * 1024
  const bounds = { bytesMax, changesRetentionMs: 3_600_000, changesMax: 10_000 }
  const store = createMemoryStore({ clock: systemClock, ...bounds })
  return {
    store,
    imports: createMemoryImports({ store, clock: systemClock, bytesMax }),
    stop: () => store.close(),
  }
})
