import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Mutant, NamedTest } from './mutant.ts'
import { type FailedTest, type NamedResult, type PassedTest, runTests } from './test-run.ts'

const TEST_MS_MAX = 30_000
/** A test that a mutant makes hang is not waited for much longer than it takes without: so often, and so long at least. */
const PATIENCE = { times: 3, msMin: 3000 }

/** A failure that says that the program is broken, and nothing about a promise. */
const BROKEN_PROGRAM = /SyntaxError|ReferenceError|ERR_MODULE_NOT_FOUND/

/** Applies a mutant to a copy. Returns what is wrong with the patch, if anything is. */
export async function mutate(copy: string, { patchPath, changes }: Mutant): Promise<string | undefined> {
  try {
    await promisify(execFile)('git', ['apply', resolve(patchPath)], { cwd: copy })
  } catch (error) {
    const { stderr } = error as { stderr?: string }
    return `patch no longer applies: renew it\n${stderr?.trim()}`
  }
  for (const path of changes.filter((one) => one.endsWith('.ts') && existsSync(join(copy, one)))) {
    try {
      stripTypeScriptTypes(readFileSync(join(copy, path), 'utf8'))
    } catch (error) {
      return `${path} no longer parses: ${(error as Error).message}`
    }
  }
  return undefined
}

/**
 * Why the test, run on a copy whose promise is broken, has not noticed; undefined when it has. `usualMs` is what it takes
 * on an unchanged copy.
 */
export async function survival(
  copy: string,
  { file, namePattern }: NamedTest,
  usualMs: number,
): Promise<string | undefined> {
  const timeoutMs = Math.min(TEST_MS_MAX, Math.max(PATIENCE.msMin, PATIENCE.times * usualMs))
  const isEnough = ({ why }: FailedTest) => !BROKEN_PROGRAM.test(why)
  const namePatterns = namePattern === undefined ? [] : [namePattern]
  const { passed, failed, crash } = await runTests({ copy, file, namePatterns, timeoutMs, isEnough })
  if (failed.some(isEnough)) return undefined
  const [broken] = failed
  if (broken !== undefined) return `the program no longer runs: ${broken.why}`
  if (crash !== undefined) return `the test file fails, but no test in it: ${crash}`
  return `SURVIVED ${passed.length} ${passed.length === 1 ? 'test' : 'tests'} of ${file}`
}

/** What tests of a file do on an unchanged copy. */
export interface Usual {
  /** Why a test is of no use even there. */
  faultOf(test: NamedTest): string | undefined
  /** How long it takes there, with the start of the file. */
  msOf(test: NamedTest): number
}

/** Runs all tests of one file in one process, so that what they share is started once. */
export async function usual(copy: string, file: string, tests: readonly NamedTest[]): Promise<Usual> {
  if (!existsSync(join(copy, file))) return { faultOf: () => `there is no ${file}`, msOf: () => 0 }
  const patterns = tests.map(({ namePattern }) => namePattern)
  const namePatterns = patterns.some((pattern) => pattern === undefined)
    ? []
    : patterns.filter((pattern) => pattern !== undefined)
  const timeoutMs = TEST_MS_MAX * tests.length
  const { passed, failed, crash, ms } = await runTests({ copy, file, namePatterns, timeoutMs })
  const startMs = Math.max(0, ms - sum(passed))
  return {
    faultOf({ namePattern }) {
      const fault = matching(failed, namePattern)[0]?.why ?? crash
      if (fault !== undefined) return `${file} fails without the mutant as well: ${fault}`
      if (matching(passed, namePattern).length === 0) return `no test of ${file} has such a name`
      return undefined
    },
    msOf: ({ namePattern }) => startMs + sum(matching(passed, namePattern)),
  }
}

function sum(tests: readonly PassedTest[]): number {
  return tests.reduce((ms, test) => ms + test.ms, 0)
}

/** Those whose names match as node:test has it. */
function matching<T extends NamedResult>(results: readonly T[], pattern: RegExp | undefined): readonly T[] {
  if (pattern === undefined) return results
  return results.filter(({ names }) => [...names, names.join(' ')].some((name) => pattern.test(name)))
}
