import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startPostgres } from './postgres.ts'
import { postgresBinaries } from './postgres-binaries.ts'
import { prepareData } from './postgres-data.ts'
import { createThrowAwayFolder } from './throw-away.ts'
import { unprivileged } from './unprivileged.ts'

/** A PostgreSQL server for a whole run of tests: each test file has databases of its own on it. */
export interface TestDatabase extends AsyncDisposable {
  /**
   * What tests find it by: `TEST_DATABASE_URL`, of a superuser, and `TEST_DATABASE_TEMPLATE`, a folder with the data
   * of a new server, of which a server for one file begins with a copy: that takes a third of the time of a new one.
   */
  readonly environment: Readonly<Record<string, string>>
}

/** The one that the environment names already, or a new one. Disposing of a new one removes it with its data. */
export async function startTestDatabase(): Promise<TestDatabase> {
  if (process.env.TEST_DATABASE_URL) return { environment: {}, async [Symbol.asyncDispose]() {} }
  const folder = createThrowAwayFolder()
  const [template, data] = [join(folder, 'template'), join(folder, 'postgres')]
  const binaries = postgresBinaries()
  await prepareData(template, { binaries, user: unprivileged(template, binaries.postgres), throwAway: true })
  cpSync(template, data, { recursive: true })
  // Whoever crashes a server has one of his own.
  const server = await startPostgres({ folder: data, throwAway: true, settings: { fsync: 'off' } })
  return {
    environment: {
      TEST_DATABASE_URL: server.url({ database: 'postgres', superuser: true }),
      TEST_DATABASE_TEMPLATE: template,
    },
    async [Symbol.asyncDispose]() {
      await server.abandon()
      rmSync(folder, { recursive: true })
    },
  }
}
