import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { startPostgres } from './postgres.ts'
import { createThrowAwayFolder } from './throw-away.ts'

/** A PostgreSQL server for a whole run of tests: each test file has databases of its own on it. */
export interface TestDatabase extends AsyncDisposable {
  /** What tests find as `TEST_DATABASE_URL`. */
  readonly url: string
}

/** The one that the environment names already, or a new one. Disposing of a new one removes it with its data. */
export async function startTestDatabase(): Promise<TestDatabase> {
  const given = process.env.TEST_DATABASE_URL
  if (given) return { url: given, async [Symbol.asyncDispose]() {} }
  const folder = createThrowAwayFolder()
  const server = await startPostgres({ folder: join(folder, 'postgres'), throwAway: true })
  return {
    url: server.url({ database: 'postgres', superuser: true }),
    async [Symbol.asyncDispose]() {
      await server.abandon()
      rmSync(folder, { recursive: true })
    },
  }
}
