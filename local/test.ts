import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { debianTool } from './debian.ts'

const TEST_FOLDERS = ['app/test', 'bench/test', 'local/test']
const TIMEOUT_MS = 120_000
const CONCURRENCY = 2

process.chdir(join(import.meta.dirname, '..'))
const args = process.argv.slice(2)
const options = args.filter((arg) => arg.startsWith('-'))
const names = args.filter((arg) => !arg.startsWith('-'))
const files = (names.length > 0 ? names : TEST_FOLDERS).flatMap(testFilesOf)
await debianTool('haproxy').catch((error: Error) => fail(error.message))

// A second report, for the exit code of `node --test` does not tell "all passed" from "none ran".
const folder = mkdtempSync(join(tmpdir(), 'multi-aws-test-'))
const report = join(folder, 'report.tap')
process.on('exit', () => rmSync(folder, { recursive: true }))
const { status } = spawnSync(
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
  { stdio: 'inherit' },
)
if (status !== 0) process.exit(status ?? 1)
// A file in which no test ran counts as one, of the file's name.
const results = readFileSync(report, 'utf8').matchAll(/^ok \d+ - (.+)$/gm)
if (results.every(([, name = '']) => files.includes(name))) fail('no test ran')

/** `name` is a file, a folder or a pattern. */
function testFilesOf(name: string): string[] {
  const files = globSync([name, `${name}/**/*.test.ts`]).filter((file) => file.endsWith('.test.ts'))
  return files.length > 0 ? files : fail(`no test file: ${name}`)
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
