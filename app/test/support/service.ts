import { fileURLToPath } from 'node:url'
import { type Exit, type RunningProcess, startProcess } from '../../../local/processes.ts'
import { within } from './deadline.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const READY_MS_MAX = 20_000

/** A process of the service. Disposing of it kills it, so that a test that fails leaves nothing behind. */
export interface Service extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** The log, without its lines of single requests. */
  readonly lines: readonly LogLine[]
  readonly exited: Promise<Exit>
  signal(name: NodeJS.Signals): void
  /** SIGTERM, and its end. */
  stop(): Promise<Exit>
  kill(): Promise<Exit>
}

export interface LogLine {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

export type Environment = Readonly<Record<string, string>>

/** What every test starts from. */
const defaults: Environment = {
  PORT: '0',
  HOST: '127.0.0.1',
  // There is no balancer to wait for.
  DRAIN_DELAY_MS: '0',
  // A machine that stands still for a moment is not an overloaded service.
  LINE_AGE_MAX_MS: '10000',
}

/** A service that listens, and is ready as soon as its store is. */
export interface ListeningService extends Service {
  /** Resolves when it is ready. Rejects at the deadline, or when it ends before. */
  ready(options?: { readonly timeoutMs?: number }): Promise<void>
}

/** Starts the service as production does, and resolves when it is ready. `main` is another copy's entry point. */
export async function startService(environment: Environment = {}, main = MAIN): Promise<Service> {
  const service = await startListening(environment, main)
  try {
    await service.ready()
    return service
  } catch (error) {
    await service.kill()
    throw error
  }
}

/** As `startService`, but resolves as soon as it listens. */
export async function startListening(environment: Environment, main = MAIN): Promise<ListeningService> {
  const lines: LogLine[] = []
  const started = startMain(environment, [main], (text) => {
    if (!text.includes('"msg":"request')) lines.push(parsed(text))
  })
  const kill = () => {
    started.signal('SIGKILL')
    return started.exited
  }
  try {
    await started.line(/"msg":"listening"/, { timeoutMs: READY_MS_MAX })
  } catch (error) {
    await kill()
    throw error
  }
  const url = String(lines.find(({ msg }) => msg === 'listening')?.url)
  return {
    url,
    port: Number(new URL(url).port),
    pid: started.pid,
    lines,
    exited: started.exited,
    signal: (name) => void started.signal(name),
    stop: () => started.stop(),
    kill,
    async ready({ timeoutMs = READY_MS_MAX } = {}) {
      await started.line(/"msg":"ready"/, { timeoutMs })
    },
    [Symbol.asyncDispose]: async () => void (await kill()),
  }
}

export interface Run extends Exit {
  readonly stdout: string
  readonly stderr: string
}

/** Runs a process of the service that is to end by itself. */
export async function runService(environment: Environment, args: readonly string[] = []): Promise<Run> {
  const text = { stdout: '', stderr: '' }
  const started = startMain(environment, [MAIN, ...args], (line, stream) => {
    text[stream] += `${line}\n`
  })
  try {
    const exit = await within(READY_MS_MAX, 'the process ends', started.exited)
    return { ...exit, ...text }
  } finally {
    started.signal('SIGKILL')
  }
}

/** Brings the schema of a database up to this release. Throws, with what was said, when that fails. */
export async function migrate(databaseUrl: string): Promise<void> {
  const { code, stdout, stderr } = await runService({ ROLE: 'migrate', DATABASE_URL: databaseUrl })
  if (code !== 0) throw new Error(`the database is not migrated: ${stdout}${stderr}`)
}

function startMain(
  environment: Environment,
  args: readonly string[],
  onLine: (line: string, stream: 'stdout' | 'stderr') => void,
): RunningProcess {
  return startProcess({
    command: process.execPath,
    args,
    env: { ...bareEnvironment(), ...defaults, ...environment },
    onLine,
  })
}

/** Only what a process needs to run: a variable of the shell that runs the tests must not configure the service. */
export function bareEnvironment(): Environment {
  const { PATH = '', NODE_COMPILE_CACHE } = process.env
  return { PATH, ...(NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE }) }
}

function parsed(text: string): LogLine {
  try {
    return JSON.parse(text)
  } catch {
    return { level: 'unknown', msg: text }
  }
}
