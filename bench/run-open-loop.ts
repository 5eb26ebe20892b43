import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { OpenLoopResult } from './open-loop.ts'
import { pinned, type Side } from './pinning.ts'

export interface OpenLoopPlan {
  /** Arrivals for each second. */
  readonly rate: number
  readonly seconds: number
  readonly connections: number
}

const script = join(import.meta.dirname, 'open-loop.ts')

/** Loads `origin` with the requests of a file (see `writeRequests`) from a process on `side`. */
export async function runOpenLoop(
  origin: URL,
  file: string,
  { rate, seconds, connections }: OpenLoopPlan,
  side: Side,
): Promise<OpenLoopResult> {
  const [command, ...args] = pinned(side, [
    process.execPath,
    script,
    ...['--origin', origin.href],
    ...['--requests', file],
    ...['--rate', String(Math.round(rate))],
    ...['--seconds', String(seconds)],
    ...['--connections', String(connections)],
  ])
  const { stdout } = await promisify(execFile)(command, args)
  return JSON.parse(stdout)
}
