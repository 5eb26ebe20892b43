import type { Store } from '../ports/store.ts'
import type { Levels } from './levels.ts'

/**
 * The store, whose writes are known to the cache before they are answered: after the commit, so that nothing is told
 * that may not come to be, and within the cache's own time limit. Its reads are the store's own.
 */
export function createCachedStore(store: Store, levels: Levels): Store {
  return {
    ...store,

    async put(id, value, ifVersion, caller) {
      const startMs = performance.now()
      const result = await store.put(id, value, ifVersion, caller)
      if (result.ok) await levels.written(result.item, startMs)
      return result
    },

    async create(id, value, fingerprint, caller) {
      const startMs = performance.now()
      const result = await store.create(id, value, fingerprint, caller)
      if (result.ok) await levels.written(result.item, startMs)
      return result
    },

    async delete(id, ifVersion, caller) {
      const startMs = performance.now()
      const result = await store.delete(id, ifVersion, caller)
      if (result.ok) await levels.written({ id, version: result.version, value: undefined }, startMs)
      return result
    },

    /** Its results have no times: the next read of each brings them. */
    async batch(operations, caller) {
      const result = await store.batch(operations, caller)
      if (result.ok) {
        await levels.fence(operations.map(({ id }, at) => ({ id, version: result.versions[at] as number })))
      }
      return result
    },
  }
}
