import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Failure } from './component.ts'
import type { PostgresBinaries } from './postgres-binaries.ts'
import { listProcesses } from './process-table.ts'
import { startProcess } from './processes.ts'
import type { Unprivileged } from './unprivileged.ts'

/** The database of the service, and the role that owns it. Like one of a managed service, the role is no superuser. */
export const DATABASE = 'multi_aws'
export const ROLE = 'multi_aws'
export const SUPERUSER = 'postgres'

const INITDB_MS_MAX = 60_000
const PASSWORD_BYTES = 24

/** What a folder of ours holds. */
export function layout(folder: string) {
  return { data: join(folder, 'data'), password: join(folder, 'password') }
}

export interface DataOptions {
  readonly binaries: PostgresBinaries
  readonly user: Unprivileged
  /** Data that nobody will miss after a power failure need not be on the disk at once. */
  readonly throwAway: boolean
}

/**
 * Makes the folder with a database cluster in it, unless it is there. It appears as a whole: what an interrupted
 * attempt has left beside it goes with the next one. Throws a `Failure` when the folder holds something else.
 */
export async function prepareData(folder: string, options: DataOptions): Promise<void> {
  removeLeftovers(folder)
  if (existsSync(folder) && readdirSync(folder).length > 0) checkVersion(folder, options.binaries)
  else await create(folder, options)
  options.user.own(folder)
}

export function readPassword(folder: string): string {
  return readFileSync(layout(folder).password, 'utf8').trim()
}

async function create(folder: string, { binaries, user, throwAway }: DataOptions): Promise<void> {
  const work = `${leftoverPrefix(folder)}${process.pid}`
  const { data, password } = layout(work)
  const secret = randomBytes(PASSWORD_BYTES).toString('base64url')
  const statements = join(work, 'statements')
  mkdirSync(work, { mode: 0o700 })
  writeFileSync(password, `${secret}\n`, { mode: 0o600 })
  writeFileSync(
    statements,
    `create role ${ROLE} login password '${secret}'\ncreate database ${DATABASE} owner ${ROLE}\n`,
    { mode: 0o600 },
  )
  user.own(work)
  await run(user.command(binaries.initdb, ...initdbArguments(work, throwAway)))
  // One process on its own, without a server: each line is a statement.
  const single = user.command(binaries.postgres, '--single', '-c', 'exit_on_error=on', '-D', data, 'postgres')
  await run({ command: 'sh', args: ['-c', 'exec "$@" <"$0"', statements, single.command, ...single.args] })
  rmSync(statements)
  moveInPlace(work, folder)
}

function initdbArguments(folder: string, throwAway: boolean): string[] {
  const { data, password } = layout(folder)
  return [
    `--pgdata=${data}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${password}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-instructions',
    ...(throwAway ? ['--no-sync'] : []),
  ]
}

/** Unless somebody else was first, who then holds the folder. */
function moveInPlace(work: string, folder: string): void {
  try {
    renameSync(work, folder)
  } catch (error) {
    rmSync(work, { recursive: true })
    if (!existsSync(layout(folder).data)) throw error
  }
}

function leftoverPrefix(folder: string): string {
  return join(dirname(folder), `.${basename(folder)}-initdb-`)
}

function removeLeftovers(folder: string): void {
  const prefix = basename(leftoverPrefix(folder))
  const alive = new Set(listProcesses().map(({ pid }) => pid))
  alive.delete(process.pid)
  for (const name of readdirSync(dirname(folder))) {
    if (!name.startsWith(prefix) || alive.has(Number(name.slice(prefix.length)))) continue
    rmSync(join(dirname(folder), name), { recursive: true, force: true, maxRetries: 3 })
  }
}

function checkVersion(folder: string, { major }: PostgresBinaries): void {
  const found = contentOf(join(layout(folder).data, 'PG_VERSION'))?.trim()
  if (found === major) return
  throw new Failure(
    found === undefined
      ? `${folder} holds no data of PostgreSQL: move it away, or choose another --data-dir.`
      : `${folder} holds data of PostgreSQL ${found}, which PostgreSQL ${major} cannot read: move it away, ` +
          'choose another --data-dir, or set DATABASE_URL to a server that can.',
    1,
  )
}

/**
 * The process that says it serves the data folder, or undefined when it has died. Then its file is removed, for
 * PostgreSQL would refuse to start if another process had got its number, or if nobody had noticed its death.
 */
export function servingPid(folder: string): number | undefined {
  const file = join(layout(folder).data, 'postmaster.pid')
  const text = contentOf(file)
  if (text === undefined) return undefined
  // Negative: a single process without a server.
  const pid = Math.abs(Number.parseInt(text, 10))
  if (listProcesses().some((process) => process.pid === pid && process.name === 'postgres')) return pid
  rmSync(file, { force: true })
  return undefined
}

/** The System V segment by which a server keeps others from its data; macOS has 32 for the whole machine. */
export function sharedMemorySegment(folder: string): string | undefined {
  const lines = contentOf(join(layout(folder).data, 'postmaster.pid'))?.split('\n')
  return lines?.[6]?.trim().split(/ +/)[1]
}

/** After a crash: the next start would do it, if there were one. */
export function removeSharedMemory(segment: string | undefined): void {
  if (segment !== undefined) spawnSync('ipcrm', ['-m', segment], { stdio: 'ignore' })
}

async function run({ command, args }: { command: string; args: readonly string[] }): Promise<void> {
  const started = startProcess({ command, args, cwd: '/', env: postgresEnvironment() })
  const timer = setTimeout(() => started.signal('SIGKILL'), INITDB_MS_MAX)
  const { code } = await started.exited
  clearTimeout(timer)
  if (code !== 0) {
    throw new Failure(`PostgreSQL cannot make a new database: ${started.output.slice(-10).join('\n')}`, 1)
  }
}

/** Without the variables by which the user's environment would configure it. */
export function postgresEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('PG') && !name.startsWith('LC_'),
  )
  return { ...Object.fromEntries(kept), LC_ALL: 'C' }
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return undefined
  }
}
