import { parseArgs } from 'node:util'
import { startTestDatabase } from '../../../local/test-database.ts'
import { mutate, survival, type Usual, usual } from './judge.ts'
import { type Mutant, mutantsIn } from './mutant.ts'
import { createScratch, type Scratch } from './scratch-copy.ts'

const usage = `npm run mutants [-- [--folder FOLDER] NAME…]

Applies each patch of app/test/mutants (or FOLDER) whose name contains a NAME, or all of them, to a copy of the
working tree of its own, and requires the test that the patch names to fail there.
`

/** Tests measure times: more at once would make them disturb each other. */
const AT_ONCE = 2

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { folder: { type: 'string', default: import.meta.dirname }, help: { type: 'boolean' } },
    allowPositionals: true,
  })
  if (values.help) return say(usage)
  const mutants = mutantsIn(values.folder, positionals)
  if (mutants.length === 0) throw new Error('There is no such mutant.')
  using scratch = createScratch()
  await using database = await startTestDatabase()
  process.env.TEST_DATABASE_URL = database.url
  const stop = () => {
    scratch[Symbol.dispose]()
    process.exit(1)
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)
  const failed = await runAll(mutants, scratch)
  say(`${mutants.length - failed} passed, ${failed} failed\n`)
  if (failed > 0) process.exitCode = 1
}

/** Resolves to the number of mutants that were not noticed. */
async function runAll(mutants: readonly Mutant[], scratch: Scratch): Promise<number> {
  const unchanged = scratch.copy()
  const known = new Map<string, Promise<Usual>>()
  const faultOf = async ({ test, ...mutant }: Mutant) => {
    const usually = await known.getOrInsertComputed(JSON.stringify(test), () => usual(unchanged, test))
    if (usually.fault !== undefined) return usually.fault
    const copy = scratch.copy()
    return (await mutate(copy, { test, ...mutant })) ?? (await survival(copy, test, usually.ms))
  }

  let failed = 0
  const queue = mutants.values()
  const work = async () => {
    for (const mutant of queue) {
      const startMs = performance.now()
      const fault = await faultOf(mutant)
      const seconds = ((performance.now() - startMs) / 1000).toFixed(1).padStart(5)
      if (fault !== undefined) failed++
      say(
        `${fault === undefined ? 'killed' : 'FAILED'} ${seconds} s  ${mutant.name}: ${fault ?? mutant.promise}\n`,
      )
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return failed
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
