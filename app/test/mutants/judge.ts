import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join, resolve } from 'node:path'
import { run } from 'node:test'
import { promisify } from 'node:util'
import type { Mutant, NamedTest } from './mutant.ts'

const TEST_MS_MAX = 30_000

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

/** Why the test, run on a copy whose promise is broken, has not noticed; undefined when it has. */
export async function survival(copy: string, test: NamedTest): Promise<string | undefined> {
  const { passed, failures, crash } = await runTest(copy, test)
  if (failures.some((text) => !BROKEN_PROGRAM.test(text))) return undefined
  if (failures.length > 0) return `the program no longer runs: ${failures[0]}`
  if (crash !== undefined) return `the test file fails, but no test in it: ${crash}`
  return `SURVIVED ${passed} ${passed === 1 ? 'test' : 'tests'} of ${test.file}`
}

/** Why the test is of no use even on an unchanged copy; undefined when it passes there. */
export async function uselessness(copy: string, test: NamedTest): Promise<string | undefined> {
  if (!existsSync(join(copy, test.file))) return `there is no ${test.file}`
  const { passed, failures, crash } = await runTest(copy, test)
  const fault = failures[0] ?? crash
  if (fault !== undefined) return `${test.file} fails without the mutant as well: ${fault}`
  return passed === 0 ? `no test of ${test.file} has such a name` : undefined
}

interface TestRun {
  readonly passed: number
  /** Why tests failed, without those that only have a failed test inside, or were never begun. */
  readonly failures: readonly string[]
  /** What happened to the file as a whole. */
  readonly crash: string | undefined
}

async function runTest(copy: string, { file, namePattern }: NamedTest): Promise<TestRun> {
  const path = join(copy, file)
  let passed = 0
  let crash: string | undefined
  const failures: string[] = []
  const events = run({
    files: [path],
    cwd: copy,
    timeout: TEST_MS_MAX,
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
