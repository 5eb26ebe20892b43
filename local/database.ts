import { join } from 'node:path'
import { type Component, EXIT_CONFIG, endedByItself, Failure } from './component.ts'
import { openLogFile } from './log-file.ts'
import { startPostgres } from './postgres.ts'

const PORT_MAX = 65_535

/** PostgreSQL with the service's database, unless the user's environment leads to another one. */
export const startDatabase: Component = async ({ env, dataDir, logDir, say }, onExit) => {
  if (env.DATABASE_URL || env.DATABASE_URL_FILE || env.DATABASE_HOST) return {}
  const postgres = await startPostgres({
    folder: postgresFolder(dataDir),
    port: parsePort(env.DATABASE_PORT),
    onLine: openLogFile(join(logDir, 'postgres.log')),
    say,
  })
  postgres.exited.then((exit) => {
    onExit(new Failure(`${endedByItself('PostgreSQL', exit)}.`, exit.code || 1))
  })
  return { DATABASE_URL: postgres.url() }
}

/** Where the data is kept, and the password of the roles. */
export function postgresFolder(dataDir: string): string {
  return join(dataDir, 'postgres')
}

function parsePort(text = ''): number | undefined {
  if (text === '') return undefined
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= PORT_MAX) return port
  throw new Failure(`DATABASE_PORT: expected an integer from 1 to ${PORT_MAX}`, EXIT_CONFIG)
}
