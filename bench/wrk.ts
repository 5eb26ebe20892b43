import { join } from 'node:path'
import { debianTool } from '../local/debian.ts'
import { pinned, type Side } from './pinning.ts'
import { outputOf } from './program.ts'

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

export interface WrkPlan {
  readonly connections: number
  readonly seconds: number
}

const SCRIPT = join(import.meta.dirname, 'wrk/replay.lua')

/** Loads `origin` with the requests of a file (see `writeRequests`): one thread, a closed loop on each connection. */
export async function runWrk(
  origin: URL,
  file: string,
  { connections, seconds }: WrkPlan,
  side: Side,
): Promise<WrkResult> {
  const { path, env } = await debianTool('wrk')
  const load = ['--threads', '1', '--connections', String(connections), '--duration', `${seconds}s`]
  const command = pinned(side, [path, ...load, '--script', SCRIPT, origin.href, '--', file])
  return parseWrk(await outputOf(command, { env, timeoutMs: (seconds + 30) * 1_000 }))
}

/** Reads the line that `wrk/replay.lua` adds to wrk's output. */
export function parseWrk(output: string): WrkResult {
  const line = /^json (\{.*\})$/m.exec(output)?.[1]
  if (line === undefined) throw new Error(`wrk gave no result:\n${output}`)
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
