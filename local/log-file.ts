import { openSync, rmSync, writeSync } from 'node:fs'

/** Begins a log file anew, and returns what writes a line to it. */
export function openLogFile(path: string): (line: string) => void {
  // Not emptied: another launcher may be writing to it.
  rmSync(path, { force: true })
  const file = openSync(path, 'a')
  return (line) => void writeSync(file, `${line}\n`)
}
