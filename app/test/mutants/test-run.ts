import { resolve } from 'node:path'
import { run } from 'node:test'

export interface TestRunOptions {
  /** The root of the copy in which it runs. */
  readonly copy: string
  /** From there. */
  readonly file: string
  /** Only the tests that match one of these, by their own names or with those of the suites around them; [] runs all. */
  readonly namePatterns: readonly RegExp[]
  /** Of each test, and of the file. */
  readonly timeoutMs: number
  /** Ends the run at the first failure for which it returns true. */
  readonly isEnough?: (failure: FailedTest) => boolean
}

export interface TestRun {
  readonly passed: readonly PassedTest[]
  /** Without those that only have a failed test inside, or were never begun. */
  readonly failed: readonly FailedTest[]
  /** What happened to the file as a whole. */
  readonly crash: string | undefined
  readonly ms: number
}

export interface NamedResult {
  /** Its own name, after those of the suites and tests around it. */
  readonly names: readonly string[]
}

export interface PassedTest extends NamedResult {
  readonly ms: number
}

export interface FailedTest extends NamedResult {
  readonly why: string
}

/** Runs tests of one file in a process of their own. */
export async function runTests({
  copy,
  file,
  namePatterns,
  timeoutMs,
  isEnough = () => false,
}: TestRunOptions): Promise<TestRun> {
  const startMs = performance.now()
  const path = resolve(copy, file)
  const end = new AbortController()
  const events = run({
    files: [path],
    cwd: copy,
    timeout: timeoutMs,
    signal: end.signal,
    // What a failed test leaves open must not keep its process, which takes what it started along.
    execArgv: ['--test-force-exit'],
    ...(namePatterns.length > 0 && { testNamePatterns: namePatterns }),
  })
  const passed: PassedTest[] = []
  const failed: FailedTest[] = []
  let crash: string | undefined
  let names: readonly string[] = []
  for await (const { type, data } of events) {
    if (type === 'test:start') names = [...names.slice(0, data.nesting), data.name]
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const isFile = resolve(copy, data.name) === path
    const { details, nesting, name } = data
    const result = { names: [...names.slice(0, nesting), name] }
    if (type === 'test:pass') {
      if (!isFile && details.type !== 'suite') passed.push({ ...result, ms: details.duration_ms })
      continue
    }
    const { error } = data.details
    const { failureType } = error as { failureType?: string }
    const why = `${name}: ${(error.cause as Error | undefined)?.message ?? error.cause ?? error.message}`
    if (isFile) crash ??= why
    else if (failureType === 'testCodeFailure' || failureType === 'testTimeoutFailure') {
      failed.push({ ...result, why })
      if (isEnough({ ...result, why })) end.abort()
    } else if (failureType !== 'subtestsFailed') crash ??= why
  }
  return { passed, failed, crash, ms: performance.now() - startMs }
}
