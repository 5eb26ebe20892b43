import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

/** `anywhere`: where the scheduler likes. */
export type Side = 'server' | 'load' | 'anywhere'

/**
 * The command that runs `command` on its side's processors: a server on one, whoever loads it on the others.
 * Left to the scheduler, both may share one; then a request at one connection costs a third of the CPU time that
 * it costs across two, and figures of one load differ by a factor of four between rounds.
 *
 * A service with a database is two servers, which take turns as the work does: with either on a processor of its own,
 * the other waits. They and whoever loads them run anywhere.
 */
export function pinned(
  side: Side,
  [program, ...args]: readonly [string, ...string[]],
): [string, ...string[]] {
  if (side === 'anywhere') return [program, ...args]
  return ['taskset', '--cpu-list', processorsOf(side).join(','), program, ...args]
}

/** Keeps a process that runs, and all that it starts from now on, on a side. One that has just ended is left alone. */
export function pinProcess(side: Side, pid: number): void {
  try {
    execFileSync('taskset', ['--all-tasks', '--pid', '--cpu-list', processorsOf(side).join(','), String(pid)])
  } catch (error) {
    if (existsSync(`/proc/${pid}`)) throw error
  }
}

function processorsOf(side: Side): number[] {
  const allowed = /^Cpus_allowed_list:\s+(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  const all = processors(allowed)
  // With only one there is nothing to choose.
  if (side === 'anywhere' || all.length === 1) return all
  return side === 'server' ? all.slice(0, 1) : all.slice(1)
}

/** The numbers in a list as the kernel writes it: `0-2,5` → 0, 1, 2, 5. */
export function processors(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, n) => first + n)
  })
}
