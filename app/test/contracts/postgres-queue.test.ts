import { createDatabase } from '../support/postgres.ts'
import { startPostgresData } from '../support/postgres-store.ts'
import { ATTEMPTS_MAX, queueContract } from './queue-contract.ts'

queueContract('postgres', async () => async () => {
  const database = await createDatabase()
  const environment = { DATABASE_URL: database.url, QUEUE_RECEIVES_MAX: String(ATTEMPTS_MAX) }
  const { store, queue } = await startPostgresData(environment)
  return {
    queue,
    async stop() {
      await store.close()
      await database[Symbol.asyncDispose]()
    },
  }
})
