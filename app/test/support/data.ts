import { createMemoryImports } from '../../src/adapters/memory/memory-imports.ts'
import { systemClock } from '../../src/ports/clock.ts'
import type { Store } from '../../src/ports/store.ts'

/** What routes have of their data besides `store`: nothing that a test of something else looks at. */
export function dataOf(store: Store) {
  return {
    store,
    imports: createMemoryImports({ store, clock: systemClock, bytesMax: 2 ** 20 }),
    work: { wake() {} },
    reader: undefined,
    dependencies: {},
  }
}
