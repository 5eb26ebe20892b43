import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ownFiles, root } from '../support/repository.ts'

/** What is not ours and costs time to get; a copy shares it. */
const SHARED = ['node_modules', '.local/debian']

export interface Copy {
  readonly path: string
  /** Makes files, by their paths from the root, what they were at first. */
  restore(paths: readonly string[]): void
}

export interface Scratch extends Disposable {
  /** A new copy of the working tree, as it is now. */
  copy(): Copy
  /** For Node.js, which keeps there what it has compiled for the tests. */
  readonly compiled: string
}

/** A folder for copies below `.local/mutants`; disposing of it removes them all. */
export function createScratch(): Scratch {
  const home = join(root, '.local/mutants')
  mkdirSync(home, { recursive: true })
  mkdirSync(join(root, '.local/debian'), { recursive: true })
  const folder = mkdtempSync(join(home, 'run-'))
  let copies = 0
  return {
    copy: () => createCopy(join(folder, String(++copies))),
    compiled: join(folder, 'compiled'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function createCopy(path: string): Copy {
  const own = new Set(ownFiles)
  const copyOwn = (file: string) => {
    mkdirSync(dirname(join(path, file)), { recursive: true })
    copyFileSync(join(root, file), join(path, file))
  }
  own.forEach(copyOwn)
  for (const shared of [...SHARED, ...packagesOfTheService()]) {
    mkdirSync(dirname(join(path, shared)), { recursive: true })
    symlinkSync(join(root, shared), join(path, shared))
  }
  // A repository of its own: else git would take the paths of a patch for those of ours, and skip them.
  execFileSync('git', ['init', '--quiet', path])
  return {
    path,
    restore(paths) {
      for (const file of paths) {
        if (own.has(file)) copyOwn(file)
        else rmSync(join(path, file), { force: true })
      }
    },
  }
}

/** One by one: among them the service keeps the code that it has compiled, by path, and that goes with the copy. */
function packagesOfTheService(): string[] {
  const folder = 'app/node_modules'
  return readdirSync(join(root, folder))
    .filter((name) => !name.startsWith('.'))
    .map((name) => join(folder, name))
}
