import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

export interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  /** One letter, as `ps` shows it: `T` is stopped, `Z` has ended and waits for its parent to notice. */
  readonly state: string
  readonly name: string
}

/** The processes of this machine, those that have ended excepted. Linux tells by /proc, others by `ps`. */
export function listProcesses(): ProcessEntry[] {
  const all = existsSync('/proc/self/stat') ? fromProc() : fromPs()
  return all.filter(({ state }) => state !== 'Z' && state !== 'X')
}

function fromProc(): ProcessEntry[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return []
    // The name is in parentheses, and may hold spaces and parentheses itself.
    const stat = /^\d+ \((.*)\) (\S) (\d+) /s.exec(readIfThere(`/proc/${pid}/stat`))
    const [, name = '', state = '', parent] = stat ?? []
    return stat === null ? [] : [{ pid: Number(pid), parent: Number(parent), state, name }]
  })
}

function fromPs(): ProcessEntry[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,state=,comm='], { encoding: 'utf8' })
  return [...table.matchAll(/^ *(\d+) +(\d+) +(\S)\S* +(.*)$/gm)].map(
    ([, pid, parent, state = '', path = '']) => ({
      pid: Number(pid),
      parent: Number(parent),
      state,
      name: path.slice(path.lastIndexOf('/') + 1),
    }),
  )
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
