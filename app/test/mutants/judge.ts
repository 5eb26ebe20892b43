import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join, resolve } from 'node:path'
import { run } from 'node:test'
import { promisify } from 'node:util'
import type { Mutant, NamedTest } from './mutant.ts'

const TEST_MS_MAX = 30_000
/** A test that a mutant makes hang is not waited for much longer than it takes without: so often, and so long at least. */
const PATIENCE = { times: 3, msMin: 5000 }

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
export async function survival(copy: string, test: NamedTest, usualMs: number): Promise<string | undefined> {
  const patienceMs = Math.min(TEST_MS_MAX, Math.max(PATIENCE.msMin, PATIENCE.times * usualMs))
  const { passed, failures, crash } = await runTest(copy, test, patienceMs)
  if (failures.some((text) => !BROKEN_PROGRAM.test(text))) return undefined
  if (failures.length > 0) return `the program no longer runs: ${failures[0]}`
  if (crash !== undefined) return `the test file fails, but no test in it: ${crash}`
  return `SURVIVED ${passed} ${passed === 1 ? 'test' : 'tests'} of ${test.file}`
}

/** Why a test is of no use even on an unchanged copy, or else how long it takes there. */
export type Usual = { readonly fault: string } | { readonly fault?: undefined; readonly ms: number }

export async function usual(copy: string, test: NamedTest): Promise<Usual> {
  if (!existsSync(join(copy, test.file))) return { fault: `there is no ${test.file}` }
  const startMs = performance.now()
  const { passed, failures, crash } = await runTest(copy, test, TEST_MS_MAX)
  const fault = failures[0] ?? crash
  if (fault !== undefined) return { fault: `${test.file} fails without the mutant as well: ${fault}` }
  if (passed === 0) return { fault: `no test of ${test.file} has such a name` }
  return { ms: performance.now() - startMs }
}

interface TestRun {
  readonly passed: number
  /** Why tests failed, without those that only have a failed test inside, or were never begun. */
  readonly failures: readonly string[]
  /** What happened to the file as a whole. */
  readonly crash: string | undefined
}

async function runTest(copy: string, { file, namePattern }: NamedTest, timeoutMs: number): Promise<TestRun> {
  const path = join(copy, file)
  let passed = 0
  let crash: string | undefined
  const failures: string[] = []
  const events = run({
    files: [path],
    cwd: copy,
    timeout: timeoutMs,
    // What a failed test leaves open must not keep its process, which takes what it started along.
    execArgv: ['--test-force-exit'],
    ...(namePattern === undefined ? {} : { testNamePatterns: namePattern }),
  })
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const isFile = resolve(copy, data.name) === path
    if (type === 'test:pass') {
      if (!isFile && data.details.type !== 'suite') passed++
      continue
    }
    const { error } = data.details
    const { failureType } = error as { failureType?: string }
    const text = `${data.name}: ${(error.cause as Error | undefined)?.message ?? error.cause ?? error.message}`
    if (isFile) crash ??= text
    else if (failureType === 'testCodeFailure' || failureType === 'testTimeoutFailure') failures.push(text)
    else if (failureType !== 'subtestsFailed') crash ??= text
  }
  return { passed, failures, crash }
}
