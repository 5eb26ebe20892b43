import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { debianTool } from '../local/debian.ts'
import { pinned, type Side } from './pinning.ts'

export interface WrkErrors {
  connect: number
  read: number
  write: number
  /** Answers of 400 and above. */
  status: number
  /** Answers that took longer than two seconds. */
  timeout: number
}

/** What one run of wrk saw. `requests` counts all answers, also those in `errors.status`. */
export interface WrkResult {
  requests: number
  seconds: number
  /** Bytes that a whole answer had on the wire, on average. */
  bytesPerAnswer: number
  p50Ms: number
  p99Ms: number
  errors: WrkErrors
}

const script = join(import.meta.dirname, 'wrk/replay.lua')

/** Loads `origin` with the requests of a file (see `requestsFile`): one thread, a closed loop on each connection. */
export async function runWrk(
  origin: URL,
  file: string,
  connections: number,
  seconds: number,
  side: Side = 'load',
): Promise<WrkResult> {
  const { path, env } = await debianTool('wrk')
  const load = ['--threads', '1', '--connections', String(connections), '--duration', `${seconds}s`]
  const [command, ...args] = pinned(side, [path, ...load, '--script', script, origin.href, '--', file])
  const { stdout } = await promisify(execFile)(command, args, {
    env: { ...process.env, ...env },
    timeout: (seconds + 30) * 1_000,
  })
  return parseWrk(stdout)
}

/** Reads the line that `wrk/replay.lua` adds to wrk's output. */
export function parseWrk(stdout: string): WrkResult {
  const line = /^json (\{.*\})$/m.exec(stdout)?.[1]
  if (line === undefined) throw new Error(`wrk gave no result:\n${stdout}`)
  const { requests, microseconds, bytes, p50Us, p99Us, errors } = JSON.parse(line)
  return {
    requests,
    seconds: microseconds / 1e6,
    bytesPerAnswer: bytes / requests,
    p50Ms: p50Us / 1_000,
    p99Ms: p99Us / 1_000,
    errors,
  }
}
