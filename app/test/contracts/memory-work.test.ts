import { createMemoryImports } from '../../src/adapters/memory/memory-imports.ts'
import { createMemoryQueue } from '../../src/adapters/memory/memory-queue.ts'
import { createMemoryStore } from '../../src/adapters/memory/memory-store.ts'
import { systemClock } from '../../src/ports/clock.ts'
import { workContract } from './work-contract.ts'

workContract('memory', async () => {
  const bytesMax = 64 * 1024 * 1024
  const store = createMemoryStore({
    clock: systemClock,
    bytesMax,
    changesRetentionMs: 3_600_000,
    changesMax: 10_000,
  })
  const queue = createMemoryQueue({ clock: systemClock, attemptsMax: 5 })
  const place = {
    store,
    queue,
    imports: createMemoryImports({ store, queue, clock: systemClock, bytesMax }),
  }
  return { places: [place, place], stop: () => store.close() }
})
