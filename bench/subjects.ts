import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../local/ports.ts'
import { startProcess } from '../local/processes.ts'
import { type Answers, recordAnswers } from './answers.ts'
import { pinned } from './pinning.ts'
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
  readonly pid: number
  /** From the start of the process to its first 200 from `/health/ready`. */
  readonly startMs: number
  /** Empties the log, which grows by megabytes a second under load. */
  clearLog(): Promise<void>
}

/** The service at tier 1, as in production: its own entry point, every feature on, the log in a file. */
export const service: Subject = {
  name: 'service',
  start: (dir) =>
    start('service', ['app/src/main.ts'], { LOG_LEVEL: 'info', SEED_DATA: 'true', DRAIN_DELAY_MS: '0' }, dir),
}

/** The floor: node:http repeating these answers. */
export function bareServer(answers: Answers): Subject {
  return {
    name: 'bare',
    async start(dir) {
      const file = join(dir, 'answers.json')
      await writeFile(file, JSON.stringify(answers))
      return start('bare', ['bench/bare-server.ts', file], {}, dir)
    },
  }
}

/** A bare server that puts the same bytes on the wire as `subject`, which is started once for it. */
export async function bareServerLike(subject: Subject, dir: string): Promise<Subject> {
  await using running = await subject.start(dir)
  return bareServer(await recordAnswers(running.origin))
}

const root = join(import.meta.dirname, '..')
const readyMsMax = 20_000
const pollEveryMs = 1

/** Throws, with the end of its log, when the process has ended or is not ready in time. */
async function start(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  dir: string,
): Promise<Running> {
  const port = await freePort()
  const origin = new URL(`http://127.0.0.1:${port}`)
  const log = join(dir, `${name}.log`)
  const startedMs = performance.now()
  const child = startProcess({
    // The log goes to a file without passing through this process, which would take CPU from what is measured.
    command: '/bin/sh',
    args: ['-c', 'exec "$@" >>"$0" 2>&1', log, ...pinned('server', [process.execPath, ...args])],
    cwd: root,
    env: { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: String(port), ...env },
  })
  let ended = false
  child.exited.then(() => {
    ended = true
  })
  while (!(await isReady(origin))) {
    if (ended || performance.now() - startedMs > readyMsMax) {
      await child.stop()
      const lastLines = (await readFile(log, 'utf8')).split('\n').slice(-20).join('\n')
      throw new Error(`${name} ${ended ? 'ended before it was ready' : 'is not ready'}:\n${lastLines}`)
    }
    await sleep(pollEveryMs)
  }
  const startMs = performance.now() - startedMs
  return {
    name,
    origin,
    pid: child.pid,
    startMs,
    clearLog: () => truncate(log),
    async [Symbol.asyncDispose]() {
      await child.stop()
    },
  }
}

async function isReady(origin: URL): Promise<boolean> {
  const answer = await ask(origin, { method: 'GET', path: '/health/ready' }).catch(() => undefined)
  return answer?.status === 200
}
