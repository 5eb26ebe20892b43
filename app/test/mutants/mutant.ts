import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** A patch that breaks a promise, and the test that has to notice. */
export interface Mutant {
  readonly name: string
  readonly patchPath: string
  readonly promise: string
  readonly test: NamedTest
  /** The files that the patch changes, from the root. */
  readonly changes: readonly string[]
}

export interface NamedTest {
  /** From the root. */
  readonly file: string
  /** Only the tests that match this; undefined runs the whole file. */
  readonly namePattern: RegExp | undefined
}

const TEST = /^Test: (\S+\.test\.ts)(?: --test-name-pattern "([^"]+)")?$/m

/** The mutants of a folder whose names contain one of `filters`, or all of them. Throws for a header that is not whole. */
export function mutantsIn(folder: string, filters: readonly string[]): Mutant[] {
  return globSync('*.patch', { cwd: folder })
    .sort()
    .map((file) => mutantOf(join(folder, file)))
    .filter(({ name }) => filters.length === 0 || filters.some((filter) => name.includes(filter)))
}

function mutantOf(patchPath: string): Mutant {
  const text = readFileSync(patchPath, 'utf8')
  const promise = /^Promise: (.+)$/m.exec(text)?.[1]
  const [, file, name] = TEST.exec(text) ?? []
  if (promise === undefined || file === undefined) {
    throw new Error(
      `${patchPath}: expected it to begin with the lines \`Promise: …\` and \`Test: ….test.ts [--test-name-pattern "…"]\``,
    )
  }
  const changes = new Set([...text.matchAll(/^(?:--- a|\+\+\+ b)\/(\S+)$/gm)].map(([, path = '']) => path))
  const namePattern = name === undefined ? undefined : new RegExp(name)
  return {
    name: basename(patchPath, '.patch'),
    patchPath,
    promise,
    test: { file, namePattern },
    changes: [...changes],
  }
}
