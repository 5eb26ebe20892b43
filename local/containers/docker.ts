import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitUntil } from '../wait.ts'

/** The name that the image under test has, apart from one that the user of this machine may have built. */
export const IMAGE = 'multi-aws-under-test'
/** What it is made from. */
export const BASE = 'node:26-bookworm-slim'
export const root = join(import.meta.dirname, '../..')

export interface Result {
  readonly code: number | null
  readonly stdout: string
  /** stdout and stderr as they came. */
  readonly output: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
}

/** Runs a command to its end, whatever its exit code. */
export async function run(
  command: string,
  args: readonly string[],
  { cwd = root, env = {} }: RunOptions = {},
): Promise<Result> {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, output] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const [code] = await once(child, 'close')
  return { code, stdout, output }
}

/** Runs `docker` and resolves to what it printed. Throws with all of its output when it fails. */
export async function docker(...args: readonly string[]): Promise<string> {
  const { code, stdout, output } = await run('docker', args)
  if (code !== 0) throw new Error(`docker ${args.join(' ')} exited with ${code}:\n${output}`)
  return stdout.trim()
}

/** One field of a container or image, by a Go template. */
export function inspect(id: string, field: string): Promise<string> {
  return docker('inspect', '--format', `{{${field}}}`, id)
}

export interface Container extends AsyncDisposable {
  readonly id: string
  /** Where its port 8000 is published on this machine. */
  url(): Promise<string>
}

/** Starts a container of the image under test. Disposing of it removes it. */
export async function startContainer(...options: readonly string[]): Promise<Container> {
  const id = await docker('run', '--detach', '--publish', '127.0.0.1::8000', ...options, IMAGE)
  return {
    id,
    url: async () => `http://${await docker('port', id, '8000/tcp')}`,
    [Symbol.asyncDispose]: async () => void (await docker('rm', '--force', '--volumes', id)),
  }
}

/** Resolves when `url` answers 200. */
export function answers200(url: string, timeoutMs: number): Promise<unknown> {
  return waitUntil(`${url} answers 200`, async () => (await statusOf(url)) === 200, { timeoutMs })
}

export async function statusOf(url: string): Promise<number | undefined> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(5000) }).catch(() => undefined)
  await answer?.arrayBuffer().catch(() => {})
  return answer?.status
}

/** A line of the report that is printed when all tests have run. */
export function figure(name: string, value: string): void {
  if (process.env.FIGURES_FILE) appendFileSync(process.env.FIGURES_FILE, `${name.padEnd(56)} ${value}\n`)
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
