import { setTimeout as delay } from 'node:timers/promises'
import { Failure } from './component.ts'
import { listeningPort } from './ports.ts'
import { postgresBinaries } from './postgres-binaries.ts'
import {
  DATABASE,
  layout,
  postgresEnvironment,
  prepareData,
  ROLE,
  readPassword,
  removeSharedMemory,
  SUPERUSER,
  servingPid,
  sharedMemorySegment,
} from './postgres-data.ts'
import { listProcesses } from './process-table.ts'
import { type Exit, type RunningProcess, sendSignal, startProcess } from './processes.ts'
import { unprivileged } from './unprivileged.ts'
import { waitUntil } from './wait.ts'

export interface PostgresOptions {
  /** Where the data is, and the password; made when it is not there. Its parent must be. */
  readonly folder: string
  /** A free one when left out. */
  readonly port?: number | undefined
  /** Over the defaults here and PostgreSQL's own, as in `{ log_statement: 'all' }`. */
  readonly settings?: Readonly<Record<string, string>>
  /** Called with every line of the log. */
  readonly onLine?: (line: string) => void
  /** Whether the data is gone with this process, and so need not be on the disk before the first start. */
  readonly throwAway?: boolean
  /** Tells the person at the terminal that it takes longer, and why. */
  readonly say?: (line: string) => void
  /** How long to wait for another server to leave the data: one whose launcher was killed takes up to 5 s. */
  readonly inUseMsMax?: number
}

/** A server of PostgreSQL that accepts connections on 127.0.0.1. It ends with this process, however that ends. */
export interface Postgres {
  readonly port: number
  readonly pid: number
  readonly exited: Promise<Exit>
  /** Of `database` (the service's), for the service's role or, where that may not do what is needed, the superuser. */
  url(options?: { database?: string | undefined; superuser?: boolean }): string
  /** Fast shutdown: connections are cut, all that is committed is on the disk. */
  stop(): Promise<void>
  /** Immediate shutdown of a server that is wanted no more, be it crashed or frozen. */
  abandon(): Promise<void>
  /** SIGKILL to all its processes at once. Resolves when they are gone. */
  crash(): Promise<void>
  /** SIGSTOP to all its processes: connections stay open, and nobody answers. */
  freeze(): void
  thaw(): void
}

const START_MS_MAX = 60_000
const IN_USE_MS_MAX = 10_000
const IN_USE_POLL_MS = 100
const FREEZE_MS_MAX = 5000
const PORT_TRIES = 5

/** Each is PostgreSQL's default, or for a laptop's two cores: the idle server takes 31 MB. */
const defaults: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '128MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_destination: 'stderr',
  logging_collector: 'off',
  log_line_prefix: '%m [%p] ',
}

/** Starts PostgreSQL as whoever may run it. Throws a `Failure` when that cannot be. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { folder, throwAway = false, inUseMsMax = IN_USE_MS_MAX } = options
  const binaries = postgresBinaries()
  const user = unprivileged(folder, binaries.postgres)
  await prepareData(folder, { binaries, user, throwAway })
  const deadlineMs = performance.now() + inUseMsMax
  let waits = false
  for (let tries = 1; ; tries++) {
    const port = options.port ?? (await listeningPort())
    const { command, args } = user.command(binaries.postgres, ...serverArguments({ ...options, port }))
    const serving = servingPid(folder)
    const server = startServer({ command, args, options })
    const obstacle = await obstacleOf(server)
    if (obstacle === undefined) return handle(server, port, folder)
    if (obstacle === 'in use' && performance.now() < deadlineMs) {
      if (!waits) options.say?.(`waiting for another PostgreSQL to leave the data in ${folder}`)
      waits = true
      await delay(IN_USE_POLL_MS)
    } else if (obstacle !== 'port taken' || options.port !== undefined || tries >= PORT_TRIES) {
      throw new Failure(reasonOf(obstacle, { server, port, folder, serving }), 1)
    }
  }
}

function serverArguments({ folder, port, settings, throwAway }: PostgresOptions): string[] {
  // In the data folder, and removed with it after a crash: nobody else would look for what is left in /dev/shm.
  const memory = throwAway ? { dynamic_shared_memory_type: 'mmap' } : {}
  const all = { ...defaults, ...memory, port: String(port), ...settings }
  return [
    '-D',
    layout(folder).data,
    ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
}

interface ServerCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly options: PostgresOptions
}

function startServer({ command, args, options: { onLine } }: ServerCommand): RunningProcess {
  return startProcess({
    command,
    args,
    // A user who is not root may be unable to enter the folder of this process.
    cwd: '/',
    env: postgresEnvironment(),
    stopSignal: 'SIGINT',
    ...(onLine && { onLine }),
  })
}

type Obstacle = 'in use' | 'port taken' | 'other'

/** Resolves to undefined when the server accepts connections. */
async function obstacleOf(server: RunningProcess): Promise<Obstacle | undefined> {
  try {
    await server.line(/database system is ready to accept connections/, { timeoutMs: START_MS_MAX })
    return undefined
  } catch {
    await server.stop({ timeoutMs: 0 })
    const output = server.output.join('\n')
    // The second: its postmaster was killed, and processes of it are still there.
    if (/lock file "postmaster.pid" already exists|pre-existing shared memory block/.test(output))
      return 'in use'
    return /could not bind .*Address already in use/.test(output) ? 'port taken' : 'other'
  }
}

interface Attempt {
  readonly server: RunningProcess
  readonly port: number
  readonly folder: string
  readonly serving: number | undefined
}

function reasonOf(obstacle: Obstacle, { server, port, folder, serving }: Attempt): string {
  switch (obstacle) {
    case 'in use': {
      const who = serving === undefined ? '' : ` (PID ${serving})`
      return `Another PostgreSQL${who} uses the data in ${folder}: stop it, or choose another --data-dir.`
    }
    case 'port taken':
      return `Port ${port} is taken: stop what listens there, or set DATABASE_PORT to another one.`
    case 'other':
      return `PostgreSQL does not start:\n${server.output.slice(-10).join('\n')}`
  }
}

function handle(server: RunningProcess, port: number, folder: string): Postgres {
  const { pid, exited } = server
  const password = readPassword(folder)
  const segment = sharedMemorySegment(folder)
  let crashed = false
  const family = () => listProcesses().filter((process) => process.pid === pid || process.parent === pid)
  const freeze = () => {
    const deadlineMs = performance.now() + FREEZE_MS_MAX
    // The parent first: it starts no more of them.
    for (let moving = [pid]; moving.length > 0; ) {
      for (const each of moving) sendSignal(each, 'SIGSTOP')
      moving = family().flatMap((process) => (process.state === 'T' ? [] : [process.pid]))
      if (performance.now() > deadlineMs) throw new Error(`PostgreSQL does not stand still: ${moving}`)
    }
  }
  const thaw = () => {
    for (const each of family().reverse()) sendSignal(each.pid, 'SIGCONT')
  }
  return {
    port,
    pid,
    exited,
    url: ({ database = DATABASE, superuser = false } = {}) =>
      `postgresql://${superuser ? SUPERUSER : ROLE}:${password}@127.0.0.1:${port}/${database}`,
    async stop() {
      await server.stop()
    },
    async abandon() {
      thaw()
      await server.stop({ signal: 'SIGQUIT' })
      if (crashed) removeSharedMemory(segment)
    },
    async crash() {
      crashed = true
      freeze()
      const pids = family().map((process) => process.pid)
      for (const each of pids) sendSignal(each, 'SIGKILL')
      await exited
      const gone = () => !listProcesses().some((process) => pids.includes(process.pid))
      await waitUntil('PostgreSQL has crashed', gone, { timeoutMs: START_MS_MAX })
    },
    freeze,
    thaw,
  }
}
