import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../local/ports.ts'
import { startProcess } from '../local/processes.ts'
import { type Answers, recordAnswers } from './answers.ts'
import { pinned, type Side } from './pinning.ts'
import { ask } from './raw-http.ts'

/** A server that can be measured. */
export interface Subject {
  readonly name: string
  /** Starts its process and waits until it is ready. `dir` takes its log. */
  start(dir: string): Promise<Running>
}

export interface Running extends AsyncDisposable {
  readonly name: string
  readonly origin: URL
  /** The same as the support of the tests takes it. */
  readonly url: string
  readonly pid: number
  /** From the start of the process to its first 200 from `/health/ready`. */
  readonly startMs: number
  /** Empties the log, which grows by megabytes a second under load. */
  clearLog(): Promise<void>
  /** SIGKILL. Resolves when it is gone. */
  kill(): Promise<void>
}

// As in production: its own entry point, every feature on, the log in a file.
const SERVICE_ARGS = ['app/src/main.ts']
const SERVICE_ENV = { LOG_LEVEL: 'info', DRAIN_DELAY_MS: '0' }

/** The service at tier 1. */
export const service: Subject = {
  name: 'service',
  start: (dir) =>
    start({ name: 'service', args: SERVICE_ARGS, env: { ...SERVICE_ENV, SEED_DATA: 'true' } }, dir),
}

/** The service at tier 1 as it is in another folder, where `npm install` has been run. */
export function serviceIn(root: string): Subject {
  return {
    name: 'beside',
    start: (dir) =>
      start(
        { name: 'beside', args: SERVICE_ARGS, env: { ...SERVICE_ENV, SEED_DATA: 'true' }, cwd: root },
        dir,
      ),
  }
}

/** The service at tier 2. It runs anywhere, as its database does. */
export function serviceOn(databaseUrl: string, name = 'service'): Subject {
  return serviceWith({ DATABASE_URL: databaseUrl }, name)
}

/** The service with these variables, by default anywhere. */
export function serviceWith(
  variables: Readonly<Record<string, string>>,
  name: string,
  side: Side = 'anywhere',
): Subject {
  const env = { ...SERVICE_ENV, ...variables }
  return { name, start: (dir) => start({ name, args: SERVICE_ARGS, env, side }, dir) }
}

/** The floor: node:http repeating these answers. */
export function bareServer(answers: Answers): Subject {
  return {
    name: 'bare',
    async start(dir) {
      const file = join(dir, 'answers.json')
      await writeFile(file, JSON.stringify(answers))
      return start({ name: 'bare', args: ['bench/bare-server.ts', file] }, dir)
    },
  }
}

/** A bare server that puts the same bytes on the wire as `subject`, which is started once for it. */
export async function bareServerLike(subject: Subject, dir: string): Promise<Subject> {
  await using running = await subject.start(dir)
  return bareServer(await recordAnswers(running.origin))
}

const ROOT = join(import.meta.dirname, '..')
const READY_MS_MAX = 20_000
const POLL_EVERY_MS = 1

interface Program {
  readonly name: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly side?: Side
}

/**
 * Throws, with the end of its log, when the process has ended or is not ready in time. `startService` of the tests reads
 * the log to know that; whoever is measured is asked instead, from the first millisecond, and has its own processor.
 */
async function start(
  { name, args, env = {}, cwd = ROOT, side = 'server' }: Program,
  dir: string,
): Promise<Running> {
  const port = await freePort()
  const origin = new URL(`http://127.0.0.1:${port}`)
  const log = join(dir, `${name}.log`)
  const startedMs = performance.now()
  const child = startProcess({
    // The log goes to a file without passing through this process, which would take CPU from what is measured.
    command: '/bin/sh',
    args: ['-c', 'exec "$@" >>"$0" 2>&1', log, ...pinned(side, [process.execPath, ...args])],
    cwd,
    env: { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: String(port), ...env },
  })
  let ended = false
  child.exited.then(() => {
    ended = true
  })
  while (!(await isReady(origin))) {
    if (ended || performance.now() - startedMs > READY_MS_MAX) {
      await child.stop()
      const lastLines = (await readFile(log, 'utf8')).split('\n').slice(-20).join('\n')
      throw new Error(`${name} ${ended ? 'ended before it was ready' : 'is not ready'}:\n${lastLines}`)
    }
    await delay(POLL_EVERY_MS)
  }
  const startMs = performance.now() - startedMs
  return {
    name,
    origin,
    url: origin.origin,
    pid: child.pid,
    startMs,
    clearLog: () => truncate(log),
    async kill() {
      child.signal('SIGKILL')
      await child.exited
    },
    async [Symbol.asyncDispose]() {
      await child.stop()
    },
  }
}

async function isReady(origin: URL): Promise<boolean> {
  const answer = await ask(origin, { method: 'GET', path: '/health/ready' }).catch(() => undefined)
  return answer?.status === 200
}
