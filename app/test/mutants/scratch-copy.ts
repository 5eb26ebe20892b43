import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ownFiles, root } from '../support/repository.ts'

/** What is not ours and costs time to get; a copy shares it. */
const SHARED = ['node_modules', 'app/node_modules', '.local/debian']

export interface Scratch extends Disposable {
  /** A new copy of the working tree, as it is now. Returns its path. */
  copy(): string
}

/** A folder for copies below `.local/mutants`; disposing of it removes them all. */
export function createScratch(): Scratch {
  const home = join(root, '.local/mutants')
  mkdirSync(home, { recursive: true })
  mkdirSync(join(root, '.local/debian'), { recursive: true })
  const folder = mkdtempSync(join(home, 'run-'))
  let copies = 0
  return {
    copy() {
      const path = join(folder, String(++copies))
      for (const file of ownFiles) {
        mkdirSync(dirname(join(path, file)), { recursive: true })
        copyFileSync(join(root, file), join(path, file))
      }
      for (const shared of SHARED) {
        mkdirSync(dirname(join(path, shared)), { recursive: true })
        symlinkSync(join(root, shared), join(path, shared))
      }
      // A repository of its own: else git would take the paths of a patch for those of ours, and skip them.
      execFileSync('git', ['init', '--quiet', path])
      return path
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}
