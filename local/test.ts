import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { debianTool } from './debian.ts'
import { startTestDatabase } from './test-database.ts'
import { createThrowAwayFolder } from './throw-away.ts'

const TEST_FOLDERS = ['app/test', 'bench/test', 'local/test', 'tour/test']
const TIMEOUT_MS = 120_000
const CONCURRENCY = 3

process.chdir(join(import.meta.dirname, '..'))
const args = process.argv.slice(2)
const options = args.filter((arg) => arg.startsWith('-'))
const names = args.filter((arg) => !arg.startsWith('-'))
const files = (names.length > 0 ? names : TEST_FOLDERS).flatMap(testFilesOf)
for (const tool of ['haproxy', 'redis-server'] as const) {
  await debianTool(tool).catch((error: Error) => fail(error.message))
}

// Ctrl-C reaches the tests too, and what is left of them is removed after they have ended.
process.on('SIGINT', () => {})
const database = await startTestDatabase().catch((error: Error) => fail(error.message))
const folder = createThrowAwayFolder()
const exitCode = await runTests()
await database[Symbol.asyncDispose]()
process.exit(exitCode)

async function runTests(): Promise<number> {
  // A second report, for the exit code of `node --test` does not tell "all passed" from "none ran".
  const report = join(folder, 'report.tap')
  // Most of what the test files load is the same.
  const env = { ...process.env, ...database.environment, NODE_COMPILE_CACHE: join(folder, 'compiled') }
  const tests = spawn(
    process.execPath,
    [
      '--test',
      `--test-timeout=${TIMEOUT_MS}`,
      `--test-concurrency=${CONCURRENCY}`,
      ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
      ...['--test-reporter=tap', `--test-reporter-destination=${report}`],
      ...options,
      ...files,
    ],
    { stdio: 'inherit', env },
  )
  const [status] = await once(tests, 'exit')
  if (status !== 0) return status ?? 1
  // A file in which no test ran counts as one, of the file's name.
  const results = readFileSync(report, 'utf8').matchAll(/^ok \d+ - (.+)$/gm)
  if (!results.every(([, name = '']) => files.includes(name))) return 0
  process.stderr.write('no test ran\n')
  return 1
}

/** `name` is a file, a folder or a pattern. */
function testFilesOf(name: string): string[] {
  const files = globSync([name, `${name}/**/*.test.ts`]).filter((file) => file.endsWith('.test.ts'))
  return files.length > 0 ? files : fail(`no test file: ${name}`)
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
