import { join } from 'node:path'
import { type Context, endedByItself, Failure } from './component.ts'
import { openLogFile } from './log-file.ts'
import { type RunningProcess, startProcess } from './processes.ts'
import { waitForHttp } from './wait.ts'

const START_TIMEOUT_MS = 60_000
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
export function startService(
  { name, env, prefix = '' }: Service,
  { logDir, say }: Pick<Context, 'logDir' | 'say'>,
): RunningProcess {
  const log = openLogFile(serviceLog(logDir, name))
  return startProcess({
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

/**
 * Resolves to what `url`/health says when it answers 200. Rejects with a `Failure` when the process, `who`, ends before
 * that, and calls `onExit` with one when it ends later.
 */
export async function healthOf(
  service: RunningProcess,
  { who, url }: { who: string; url: string },
  onExit: (failure: Failure) => void,
): Promise<{ readonly tier: number }> {
  const ended = service.exited.then((exit): never => {
    throw new Failure(`${endedByItself(who, exit)}.`, exit.code || 1)
  })
  const health = await Promise.race([ended, waitForHttp(`${url}/health`, { timeoutMs: START_TIMEOUT_MS })])
  ended.catch(onExit)
  return JSON.parse(health)
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
