import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openSession, type Row, type Session } from '../../app/src/adapters/postgres/session.ts'
import { migrate } from '../../app/test/support/service.ts'
import { startPostgres } from '../../local/postgres.ts'
import { listProcesses } from '../../local/process-table.ts'
import { waitUntil } from '../../local/wait.ts'
import { pinProcess, type Side } from '../pinning.ts'
import { familyCpuSeconds } from '../process-usage.ts'
import { fillSql } from './key-space.ts'

/** The server of PostgreSQL that all parts of a run share. */
export interface Server extends AsyncDisposable {
  /** What figures depend on, as the server tells it. */
  readonly settings: Readonly<Record<string, string>>
  /** A database with the service's schema and so many items. */
  createDatabase(name: string, items: number): Promise<Database>
  /** Copies a file of the machine, `id` and `value` a line, into a new table of a database. Resolves to the seconds. */
  copy(database: string, file: string): Promise<number>
  /** CPU time of all its processes since its start, those that have ended included. */
  cpuSeconds(): number
  /** Keeps all its processes on a side from now on, also those of sessions that are opened later. */
  pin(side: Side): void
}

export interface Database {
  readonly url: string
  /** Runs one statement as the service's role. Resolves to the rows. */
  query(sql: string): Promise<readonly Row[]>
  /** Connections of the service that are open. */
  sessions(): Promise<number>
  /** Resolves when all changes have been relayed, so that the next figure does not pay for the last one. */
  settled(): Promise<void>
}

/**
 * `fsync` and everything else that answers for the data is PostgreSQL's default. A checkpoint within two seconds of
 * load would be charged to whoever is measured then, so they are far apart.
 */
const settings = {
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '1h',
  max_connections: '200',
}
const SHOWN_SETTINGS = [
  'server_version',
  'shared_buffers',
  'max_wal_size',
  'checkpoint_timeout',
  'fsync',
  'synchronous_commit',
]

const STATEMENT_MS_MAX = 600_000
const SETTLE_MS_MAX = 60_000

/**
 * `dir` takes the data. Unlike `startDatabaseServer` of the tests, which is there to be broken, it keeps its data where
 * it is told, for figures depend on the disk, answers for all of it, and tells of its processes.
 */
export async function startServer(dir: string): Promise<Server> {
  const folder = join(dir, 'postgres')
  await mkdir(folder)
  // Root lets another user run PostgreSQL, who must be able to pass.
  for (const each of [dir, folder]) await chmod(each, 0o711)
  const postgres = await startPostgres({ folder: join(folder, 'cluster'), settings, throwAway: true })
  const asSuperuser = async (sql: string): Promise<readonly Row[]> => {
    const session = await open(postgres.url({ superuser: true, database: 'postgres' }))
    const rows = await query(session, sql)
    await session.close()
    return rows
  }
  const owner = new URL(postgres.url()).username
  const shown: Record<string, string> = {}
  for (const name of SHOWN_SETTINGS) shown[name] = String((await asSuperuser(`show ${name}`))[0]?.[0])

  return {
    settings: shown,
    async createDatabase(name, items) {
      await asSuperuser(`create database ${name} owner ${owner}`)
      const url = postgres.url({ database: name })
      await migrate(url)
      const session = await open(url)
      await session.script(fillSql(items))
      // Statistics, and no vacuum of the whole in the middle of a figure.
      await session.script('vacuum (analyze) data')
      await asSuperuser('checkpoint')
      return database(url, session)
    },
    async copy(name, file) {
      const session = await open(postgres.url({ superuser: true, database: name }))
      await session.script('create table copied (id text collate "C" primary key, value text)')
      const startMs = performance.now()
      await session.script(`copy copied from '${file}'`)
      const seconds = (performance.now() - startMs) / 1000
      await session.close()
      return seconds
    },
    cpuSeconds: () => familyCpuSeconds(postgres.pid),
    pin(side) {
      const children = listProcesses().filter(({ parent }) => parent === postgres.pid)
      for (const pid of [postgres.pid, ...children.map((child) => child.pid)]) pinProcess(side, pid)
    },
    async [Symbol.asyncDispose]() {
      await postgres.abandon()
    },
  }
}

function database(url: string, session: Session): Database {
  return {
    url,
    query: (sql) => query(session, sql),
    async sessions() {
      const others =
        'select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()'
      return Number((await query(session, others))[0]?.[0])
    },
    async settled() {
      const isEmpty = async () => (await query(session, 'select from outbox limit 1')).length === 0
      await waitUntil('the outbox is relayed', isEmpty, { timeoutMs: SETTLE_MS_MAX })
    },
  }
}

function open(url: string): Promise<Session> {
  return openSession({
    address: () => ({ connectionString: url }),
    connectTimeoutMs: 10_000,
    timeoutMs: STATEMENT_MS_MAX,
    lockTimeoutMs: 0,
  })
}

async function query(session: Session, sql: string): Promise<readonly Row[]> {
  return (await session.script(sql)).at(-1)?.rows ?? []
}
