import { createMemoryImports } from '../../src/adapters/memory/memory-imports.ts'
import { createMemoryQueue } from '../../src/adapters/memory/memory-queue.ts'
import { systemClock } from '../../src/ports/clock.ts'
import type { Store } from '../../src/ports/store.ts'

/** What routes have of their data besides `store`: nothing that a test of something else looks at. */
export function dataOf(store: Store) {
  const queue = createMemoryQueue({ clock: systemClock, attemptsMax: 5 })
  return {
    store,
    imports: createMemoryImports({ store, queue, clock: systemClock, bytesMax: 2 ** 20 }),
    reader: undefined,
    dependencies: {},
  }
}
