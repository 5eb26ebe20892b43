import { createDatabase } from '../support/postgres.ts'
import { startPostgresData } from '../support/postgres-store.ts'
import { workContract } from './work-contract.ts'

workContract('postgres', async () => {
  const database = await createDatabase()
  const start = () => startPostgresData({ DATABASE_URL: database.url })
  const places = [await start(), await start()] as const
  return {
    places,
    async stop() {
      await Promise.all(places.map(({ store }) => store.close()))
      await database[Symbol.asyncDispose]()
    },
  }
})
