import { readFileSync } from 'node:fs'

// The kernel reports times to user space in ticks of 1/100 s on every architecture that Node supports.
const ticksPerSecond = 100

/**
 * CPU time that a process has used since its start, in seconds, user and system, all its threads.
 * Linux only; throws when the process does not exist.
 */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the command in parentheses and may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Memory of a process that is resident now, in MB (10^6 bytes). Linux only; throws when it does not exist. */
export function residentMb(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (kibibytes === undefined) throw new Error(`process ${pid} has ended`)
  return (Number(kibibytes) * 1024) / 1e6
}
