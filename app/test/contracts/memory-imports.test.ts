import { createMemoryImports } from '../../src/adapters/memory/memory-imports.ts'
import { createMemoryQueue } from '../../src/adapters/memory/memory-queue.ts'
import { createMemoryStore } from '../../src/adapters/memory/memory-store.ts'
import { systemClock } from '../../src/ports/clock.ts'
import { importsContract } from './imports-contract.ts'

importsContract('memory', async () => {
  const bytesMax = 64 * 1024 * 1024
  const bounds = { bytesMax, changesRetentionMs: 3_600_000, changesMax: 10_000 }
  const store = createMemoryStore({ clock: systemClock, ...bounds })
  const queue = createMemoryQueue({ clock: systemClock, attemptsMax: 5 })
  return {
    store,
    queue,
    imports: createMemoryImports({ store, queue, clock: systemClock, bytesMax }),
    stop: () => store.close(),
  }
})
