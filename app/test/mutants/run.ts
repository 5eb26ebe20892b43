import { parseArgs } from 'node:util'
import { debianTool } from '../../../local/debian.ts'
import { startTestDatabase } from '../../../local/test-database.ts'
import { mutate, survival, type Usual, usual } from './judge.ts'
import { type Mutant, mutantsIn } from './mutant.ts'
import { type Copy, createScratch, type Scratch } from './scratch-copy.ts'

const usage = `npm run mutants [-- [--folder FOLDER] NAME…]

Applies each patch of app/test/mutants (or FOLDER) whose name contains a NAME, or all of them, to a copy of the
working tree of its own, and requires the test that the patch names to fail there.
`

/** Half of the time is waiting; but tests measure times, and more at once would make them disturb each other. */
const AT_ONCE = 4

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { folder: { type: 'string', default: import.meta.dirname }, help: { type: 'boolean' } },
    allowPositionals: true,
  })
  if (values.help) return say(usage)
  const mutants = mutantsIn(values.folder, positionals)
  if (mutants.length === 0) throw new Error('There is no such mutant.')
  for (const tool of ['haproxy', 'redis-server'] as const) await debianTool(tool)
  using scratch = createScratch()
  await using database = await startTestDatabase()
  Object.assign(process.env, database.environment)
  // Most of what the tests load is the same in all copies, or at least in one copy from test to test.
  process.env.NODE_COMPILE_CACHE = scratch.compiled
  const stop = () => {
    scratch[Symbol.dispose]()
    process.exit(1)
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)
  const faults = await runAll(mutants, scratch)
  // Once more, for the end of a long log is what is read.
  say(`${faults.join('')}${mutants.length - faults.length} passed, ${faults.length} failed\n`)
  if (faults.length > 0) process.exitCode = 1
}

/** Resolves to a line for each mutant that was not noticed. */
async function runAll(mutants: readonly Mutant[], scratch: Scratch): Promise<string[]> {
  const copies = Array.from({ length: Math.min(AT_ONCE, mutants.length) }, () => scratch.copy())
  const testsOf = Map.groupBy(
    mutants.map(({ test }) => test),
    ({ file }) => file,
  )
  const usually = new Map<string, Usual>()
  await forEach(copies, [...testsOf], async (copy, [file, tests]) => {
    const startMs = performance.now()
    usually.set(file, await usual(copy.path, file, tests))
    say(`        ${secondsSince(startMs)} s  ${file} without a mutant\n`)
  })

  const faults: string[] = []
  await forEach(copies, mutants, async (copy, mutant) => {
    const startMs = performance.now()
    const fault = await faultOf(mutant, copy.path, usually.get(mutant.test.file) as Usual)
    copy.restore(mutant.changes)
    const verdict = fault === undefined ? 'killed' : 'FAILED'
    const line = `${verdict} ${secondsSince(startMs)} s  ${mutant.name}: ${fault ?? mutant.promise}\n`
    say(line)
    if (fault !== undefined) faults.push(line)
  })
  return faults
}

async function faultOf(mutant: Mutant, copy: string, usually: Usual): Promise<string | undefined> {
  const { test } = mutant
  const fault = usually.faultOf(test) ?? (await mutate(copy, mutant))
  return fault ?? (await survival(copy, test, usually.msOf(test)))
}

/** As many at once as there are copies, each in a copy that no other uses meanwhile. */
async function forEach<T>(
  copies: readonly Copy[],
  all: readonly T[],
  use: (copy: Copy, one: T) => Promise<void>,
): Promise<void> {
  const queue = all.values()
  const work = async (copy: Copy) => {
    for (const one of queue) await use(copy, one)
  }
  await Promise.all(copies.map(work))
}

function secondsSince(startMs: number): string {
  return ((performance.now() - startMs) / 1000).toFixed(1).padStart(5)
}

function say(text: string): void {
  process.stdout.write(text)
}

// Node says that it may yet change `stripTypeScriptTypes`; whoever runs this can do nothing about it.
process.removeAllListeners('warning')
main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
