import { chmodSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeAtEnd } from './processes.ts'

/** Makes a folder that is gone, at the latest, when this process and all that it started have ended, however. */
export function createThrowAwayFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'multi-aws-'))
  removeAtEnd(folder)
  // Root lets another user run PostgreSQL, who must be able to pass.
  chmodSync(folder, 0o711)
  return folder
}
