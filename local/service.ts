import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Context, EXIT_CONFIG, endedByItself, Failure } from './component.ts'
import { openLogFile } from './log-file.ts'
import { type Exit, isStopping, type RunningProcess, startProcess } from './processes.ts'
import { waitForHttp } from './wait.ts'

const START_TIMEOUT_MS = 60_000
/** Before another start; doubled each time, until one has lasted longer than the longest pause. */
const PAUSE_MS = 500
const PAUSE_MS_MAX = 10_000
const entryPoint = join(import.meta.dirname, '../app/src/main.ts')

/** Where each of the service's processes has its log. */
export function serviceLog(logDir: string, name: string): string {
  return join(logDir, `${name}.log`)
}

export interface Service {
  /** Of its log. */
  readonly name: string
  readonly env: NodeJS.ProcessEnv
  /** Before what it has to say to the person at the terminal. */
  readonly prefix?: string
}

/**
 * Starts a process of the service, by the entry point that production runs. Its log goes to a file, what needs
 * attention to the terminal.
 */
export function startService(service: Service, context: Output): RunningProcess {
  return starterOf(service, context)()
}

export interface LastingService extends Service {
  /** `The API`, for its user. */
  readonly who: string
  readonly url: string
}

/**
 * Starts a process of the service that is to last. Resolves to what its /health says when that answers 200, and rejects
 * with a `Failure` when it ends before. When it ends by itself later, it is started again as an orchestrator would;
 * `onExit` is called where its configuration makes that vain.
 */
export async function keepService(
  service: LastingService,
  context: Output,
  onExit: (failure: Failure) => void,
): Promise<{ readonly tier: number }> {
  const start = starterOf(service, context)
  const first = start()
  const ended = first.exited.then((exit): never => {
    throw failureOf(service, exit)
  })
  const health = waitForHttp(`${service.url}/health`, { timeoutMs: START_TIMEOUT_MS })
  const text = await Promise.race([ended, health])
  startAgain(first, start, service, context).catch(onExit)
  return JSON.parse(text)
}

/** Whenever it has ended, until all is stopped. Rejects with a `Failure` where that is in vain. */
async function startAgain(
  first: RunningProcess,
  start: () => RunningProcess,
  service: LastingService,
  { say }: Output,
): Promise<void> {
  let running = first
  for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
    const startMs = performance.now()
    const exit = await running.exited
    if (isStopping()) return
    if (exit.code === EXIT_CONFIG) throw failureOf(service, exit)
    if (performance.now() - startMs > PAUSE_MS_MAX) pauseMs = PAUSE_MS
    say(`${endedByItself(service.who, exit)}: starting it again in ${pauseMs / 1000} s`)
    await delay(pauseMs)
    if (isStopping()) return
    running = start()
  }
}

function failureOf({ who }: LastingService, exit: Exit): Failure {
  return new Failure(`${endedByItself(who, exit)}.`, exit.code || 1)
}

type Output = Pick<Context, 'logDir' | 'say'>

/** What starts a process of it, however often; all of them write one log. */
function starterOf({ name, env, prefix = '' }: Service, { logDir, say }: Output): () => RunningProcess {
  const log = openLogFile(serviceLog(logDir, name))
  return () =>
    startProcess({
      command: process.execPath,
      args: [entryPoint],
      env,
      onLine(line) {
        log(line)
        const message = attention(line)
        if (message !== undefined) say(prefix + message)
      },
    })
}

/** What a person should see at once: warnings, errors, and whatever is no log line. */
function attention(line: string): string | undefined {
  const entry = parseEntry(line)
  if (entry === undefined) return line
  if (!['warn', 'error', 'fatal'].includes(entry.level)) return undefined
  const cause = entry.err?.message === undefined ? '' : `: ${entry.err.message}`
  return `${entry.level}: ${entry.msg}${cause}`
}

interface Entry {
  readonly level: string
  readonly msg: string
  readonly err?: { readonly message?: string }
}

function parseEntry(line: string): Entry | undefined {
  try {
    const entry = JSON.parse(line)
    return typeof entry?.level === 'string' ? entry : undefined
  } catch {
    return undefined
  }
}
