import { createDatabase } from '../support/postgres.ts'
import { startStore } from '../support/postgres-store.ts'
import { storeContract } from './store-contract.ts'

storeContract('postgres', async () => {
  const database = await createDatabase()
  const store = await startStore({ DATABASE_URL: database.url })
  return {
    store,
    async stop() {
      await store.close()
      await database[Symbol.asyncDispose]()
    },
  }
})
