import { createPostgresStore, type PostgresStore } from '../../src/adapters/postgres/postgres-store.ts'
import { type Environment, parseConfig } from '../../src/config.ts'
import { createLog } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import type { Caller, Store } from '../../src/ports/store.ts'

export const patient: Caller = { deadlineMs: Number.POSITIVE_INFINITY, left: false }

/** The store and the imports of one process, started. */
export async function startPostgresData(environment: Environment): Promise<PostgresStore> {
  const config = parseConfig(environment)
  const output = createLog('error')
  const registry = createMetrics(config, { version: 'test', commit: 'test' }, output)
  const data = createPostgresStore({ config, registry, log: output.log })
  await data.store.start(new AbortController().signal)
  return data
}

/** The store of one process, started. */
export async function startStore(environment: Environment): Promise<Store & AsyncDisposable> {
  const { store } = await startPostgresData(environment)
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() })
}
