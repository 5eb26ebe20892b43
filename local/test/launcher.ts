import assert from 'node:assert/strict'
import { chmodSync, cpSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { listProcesses } from '../process-table.ts'
import { type RunningProcess, startProcess } from '../processes.ts'
import { waitForHttp, waitUntil } from '../wait.ts'
import { traces } from './traces.ts'

export const READY = { timeoutMs: 60_000 }
export const START = [process.execPath, 'local/start.ts']
/** The whole system. */
export const LAUNCHER = [...START, '--ephemeral']

export const root = join(import.meta.dirname, '../..')
const GONE = { timeoutMs: 15_000 }
/** Of whoever runs the tests, which must not reach the launcher's. */
const foreign = { DATABASE_URL: '', REDIS_URL: '', QUEUE_URL: '', ROLE: '' }

export interface Launcher extends RunningProcess {
  /** Resolves when no process of it is left; throws when one stays, or a temporary file. */
  nothingLeft(): Promise<void>
}

export interface ReadyLauncher extends Launcher {
  readonly url: string
  readonly tier: string
}

/** Runs the launcher; what is left of it at the test's end is ended. */
export function start(
  t: TestContext,
  [command = '', ...args]: readonly string[],
  variables: NodeJS.ProcessEnv = {},
): Launcher {
  const { env, gone } = traces()
  const TMPDIR = temporaryFolder(t)
  const launcher = startProcess({
    command,
    args,
    cwd: root,
    env: { ...process.env, ...foreign, TMPDIR, PORT: '0', ...variables, ...env },
  })
  atEnd(t, async () => {
    await launcher.stop({ timeoutMs: 0 })
    await gone(GONE)
  })
  return {
    ...launcher,
    async nothingLeft() {
      await gone(GONE)
      // npm has a cache of its own there.
      assert.deepEqual(globSync('multi-aws-*', { cwd: TMPDIR }), [])
    },
  }
}

/** The same, and waits for it to say that all is ready. */
export async function startReady(
  t: TestContext,
  command: readonly string[],
  variables: NodeJS.ProcessEnv = {},
): Promise<ReadyLauncher> {
  const launcher = start(t, command, variables)
  const line = await launcher.line(/^ready /, READY)
  const [, url = '', tier = ''] =
    /^ready (http:\/\/127\.0\.0\.1:\d+) tier (\d)$/.exec(line) ?? assert.fail(line)
  return { ...launcher, url, tier }
}

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'multi-aws-test-'))
  // Root lets another user run PostgreSQL, who must be able to pass.
  chmodSync(folder, 0o711)
  atEnd(t, () => rmSync(folder, { recursive: true }))
  return folder
}

/** Runs the whole system on data that is there: making a database is no part of what a test is about. */
export function onMadeData(t: TestContext): readonly string[] {
  const dataDir = temporaryFolder(t)
  const template = process.env.TEST_DATABASE_TEMPLATE
  if (template) cpSync(template, join(dataDir, 'postgres'), { recursive: true })
  return [...START, '--data-dir', dataDir]
}

const ends = new WeakMap<TestContext, AsyncDisposableStack>()

/** Undoes last what was made first; `t.after` would remove a folder before the end of who writes to it. */
function atEnd(t: TestContext, undo: () => void | Promise<void>): void {
  let stack = ends.get(t)
  if (stack === undefined) {
    const made = new AsyncDisposableStack()
    t.after(() => made.disposeAsync())
    ends.set(t, made)
    stack = made
  }
  stack.defer(undo)
}

/** What the list that follows `ready` says about one of its subjects. */
export async function told(launcher: RunningProcess, subject: string): Promise<string> {
  const line = await launcher.line(new RegExp(`^  ${subject} `), READY)
  return line.slice(line.lastIndexOf(' ') + 1)
}

/** The process of the service that writes this log since its `starts`-th start, and where it listens. */
export async function serviceOf(
  logFile: string,
  starts = 1,
): Promise<{ readonly pid: number; readonly url: string }> {
  const listening = () => readFileSync(logFile, 'utf8').match(/^.*"listening".*$/gm)?.[starts - 1]
  return JSON.parse(await waitUntil('the log tells the pid', listening, READY))
}

/** Its children; the launcher starts each in a shell that becomes it. */
export function childrenOf(parent: number, command: RegExp): number[] {
  return listProcesses().flatMap((one) => {
    const isIt = one.parent === parent && command.test(commandLineOf(one.pid))
    return isIt ? [one.pid] : []
  })
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

export async function dependencies(url: string): Promise<Record<string, { state: string }>> {
  return JSON.parse(await waitForHttp(`${url}/health`, READY)).dependencies
}
