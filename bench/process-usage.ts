import { readFileSync } from 'node:fs'
import { listProcesses } from '../local/process-table.ts'

// The kernel reports times to user space in ticks of 1/100 s on every architecture that Node supports.
const TICKS_PER_SECOND = 100

/**
 * CPU time that a process has used since its start, in seconds, user and system, all its threads.
 * Linux only; throws when the process does not exist.
 */
export function cpuSeconds(pid: number): number {
  const [user = Number.NaN, system = Number.NaN] = times(pid)
  return user + system
}

/** The same for a process with its children, those that have ended included. */
export function familyCpuSeconds(pid: number): number {
  const children = listProcesses().filter(({ parent }) => parent === pid)
  const ofChildren = children.map((child) => {
    try {
      return cpuSeconds(child.pid)
    } catch {
      // It has just ended: its parent has its time.
      return 0
    }
  })
  return [...times(pid), ...ofChildren].reduce((sum, seconds) => sum + seconds, 0)
}

/** In seconds: of the process in user space and in the kernel, and the same of its children that have ended. */
function times(pid: number): number[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the command in parentheses and may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).map((ticks) => Number(ticks) / TICKS_PER_SECOND)
}

/** Memory of any process that is resident now, in MB (10^6 bytes). Linux only; throws when it does not exist. */
export function residentMb(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (kibibytes === undefined) throw new Error(`process ${pid} has ended`)
  return (Number(kibibytes) * 1024) / 1e6
}
