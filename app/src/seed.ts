import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from './domain/errors.ts'
import type { Operation } from './domain/item.ts'
import { patient, type Store } from './ports/store.ts'

const SEED_ITEMS = 10
const RETRY_MS = 500

/**
 * Gives an empty store the items `1` to `10`. Several processes may try at once: one of them succeeds. A store that
 * goes away in the meantime is waited for, until `signal` aborts.
 */
export async function seed(store: Store, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      return await seedOnce(store)
    } catch (error) {
      const passes = error instanceof AppError && ['unavailable', 'outcome_unknown'].includes(error.code)
      if (!passes) throw error
      await delay(RETRY_MS, undefined, { signal }).catch(() => {})
    }
  }
}

async function seedOnce(store: Store): Promise<void> {
  const { items } = await store.list({ prefix: '', after: undefined, limit: 1 }, patient)
  if (items.length > 0) return
  const operations = Array.from({ length: SEED_ITEMS }, (_, index): Operation => {
    const id = String(index + 1)
    return { op: 'put', id, value: JSON.stringify({ name: `Item ${id}` }), ifVersion: 0 }
  })
  await store.batch(operations, patient)
}
