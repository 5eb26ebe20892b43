import { cpSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { startPostgres } from '../../../local/postgres.ts'
import { createThrowAwayFolder } from '../../../local/throw-away.ts'

// biome-ignore lint/suspicious/noExplicitAny: a test looks into every row, whatever its columns.
export type Row = Readonly<Record<string, any>>

/** A server of PostgreSQL for tests that break it, with an empty database for the service. */
export interface DatabaseServer extends AsyncDisposable {
  /** The port of the last start: the same one again, unless `start` is given another. */
  readonly port: number
  /** Its log, over all starts. */
  readonly log: readonly string[]
  /** Of the service's database or another one, for the role that owns it: no superuser, as on a managed service. */
  url(database?: string): string
  /** For what the service's role may not do. */
  superuserUrl(database?: string): string
  /** Runs one statement as superuser in the service's database, on a connection of its own. */
  query(sql: string, values?: readonly unknown[]): Promise<Row[]>
  /** SIGKILL to all its processes at once. Resolves when they are gone; what was committed is found again. */
  crash(): Promise<void>
  /** Fast shutdown: connections are cut in order. */
  stop(): Promise<void>
  /** Starts it again after `crash` or `stop`, with the data that it had. */
  start(options?: { port?: number }): Promise<void>
  /** SIGSTOP to all its processes: connections stay open and new ones are taken, but nobody answers. */
  freeze(): void
  /** Ends `freeze`. */
  thaw(): void
}

/** What is killed here is PostgreSQL, never the machine: it finds what it has written, be it on the disk or not. */
const defaults = { fsync: 'off' }

/** `settings` are PostgreSQL's own, as in `{ max_connections: '20' }`. Disposing of the server removes its data. */
export async function startDatabaseServer(
  settings: Readonly<Record<string, string>> = {},
): Promise<DatabaseServer> {
  const home = createThrowAwayFolder()
  const folder = join(home, 'postgres')
  const template = process.env.TEST_DATABASE_TEMPLATE
  if (template) cpSync(template, folder, { recursive: true })
  const log: string[] = []
  const start = (port?: number) =>
    startPostgres({
      folder,
      port,
      settings: { ...defaults, ...settings },
      throwAway: true,
      onLine: (line) => log.push(line),
    })
  let server = await start()
  const superuserUrl = (database?: string) => server.url({ database, superuser: true })
  return {
    get port() {
      return server.port
    },
    log,
    url: (database) => server.url({ database }),
    superuserUrl,
    query: (sql, values) => query(superuserUrl(), sql, values),
    crash: () => server.crash(),
    stop: () => server.stop(),
    async start({ port = server.port } = {}) {
      server = await start(port)
    },
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    async [Symbol.asyncDispose]() {
      await server.abandon()
      await rm(home, { recursive: true })
    },
  }
}

/** Runs one statement on a connection of its own. */
export async function query(url: string, sql: string, values: readonly unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  // A server that dies is what many tests are about: the query rejects too.
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(sql, [...values])).rows
  } finally {
    await client.end()
  }
}
