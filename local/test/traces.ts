import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { waitUntil } from '../wait.ts'

export interface Traces {
  /** To be added to the environment of a process: all its descendants inherit it. */
  readonly env: Readonly<Record<string, string>>
  /** Resolves when none of them is left. Throws at the deadline. */
  gone(options: { timeoutMs: number }): Promise<unknown>
}

/** Finds the processes that came of a test, whoever their parent is now. Needs Linux's /proc. */
export function traces(): Traces {
  const mark = `TEST_TRACE=${randomUUID()}`
  const [name = '', value = ''] = mark.split('=')
  return {
    env: { [name]: value },
    gone: (options) => waitUntil('no process is left', () => !hasProcessWith(mark), options),
  }
}

function hasProcessWith(mark: string): boolean {
  return readdirSync('/proc').some((pid) => /^\d+$/.test(pid) && environmentOf(pid).includes(mark))
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8')
  } catch {
    return ''
  }
}
