import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus, loadavg, release } from 'node:os'

/** What figures depend on besides the code: kept with them, so that nobody compares what cannot be compared. */
export interface Environment {
  /** The commit, with `+` when files differ from it. */
  readonly commit: string
  readonly node: string
  readonly kernel: string
  readonly cpu: string
  readonly cores: number
  /** The load of the last minute, before the bench began: above some tenths, others share the machine. */
  readonly loadBefore: number
}

export function environment(): Environment {
  return {
    commit: commit(),
    node: process.version,
    kernel: release(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    loadBefore: loadavg()[0] ?? 0,
  }
}

function commit(): string {
  try {
    const hash = git('rev-parse', '--short', 'HEAD')
    return git('status', '--porcelain') === '' ? hash : `${hash}+`
  } catch {
    return 'unknown'
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
}
