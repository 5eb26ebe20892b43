import { createPostgresStore } from '../../src/adapters/postgres/postgres-store.ts'
import { parseConfig } from '../../src/config.ts'
import { createLog } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { createDatabase } from '../support/postgres.ts'
import { storeContract } from './store-contract.ts'

storeContract('postgres', async () => {
  const database = await createDatabase()
  const config = parseConfig({ DATABASE_URL: database.url })
  const output = createLog('warn')
  const registry = createMetrics(config, { version: 'test', commit: 'test' }, output)
  const store = createPostgresStore({ config, registry, log: output.log })
  await store.start(new AbortController().signal)
  return {
    store,
    async stop() {
      await store.close()
      await database[Symbol.asyncDispose]()
    },
  }
})
