import { createDatabase } from '../support/postgres.ts'
import { startPostgresData } from '../support/postgres-store.ts'
import { importsContract } from './imports-contract.ts'

importsContract('postgres', async () => {
  const database = await createDatabase()
  const { store, imports, queue } = await startPostgresData({ DATABASE_URL: database.url })
  return {
    store,
    imports,
    queue,
    async stop() {
      await store.close()
      await database[Symbol.asyncDispose]()
    },
  }
})
