import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

process.chdir(join(import.meta.dirname, '..'))
const node = process.execPath
const before = changes()
const steps: readonly [title: string, command: string, ...args: string[]][] = [
  ['format and lint', 'node_modules/.bin/biome', 'ci', '--colors=off', '--error-on-warnings', '.'],
  ['types', 'node_modules/.bin/tsc', '--noEmit'],
  ['architecture', node, '--test', 'app/test/architecture.test.ts'],
  ['what documents name exists', node, '--test', 'app/test/documents.test.ts'],
  ['generated files are up to date', node, 'local/generate.ts', '--check'],
]
const failed = steps.filter((step) => !passes(...step)).map(([title]) => title)
if (!leavesTreeAlone()) failed.push('clean tree')
if (failed.length > 0) {
  say(`\nfailed: ${failed.join(', ')}`)
  process.exit(1)
}

function passes(title: string, command: string, ...args: string[]): boolean {
  say(title)
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) say(`${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`)
  return status === 0
}

/** In CI nothing may differ from the commit; elsewhere only what differed before. */
function leavesTreeAlone(): boolean {
  say('clean tree')
  const after = changes()
  if (after === (process.env.CI === 'true' ? '' : before)) return true
  say(`git status was:\n${before}and now is:\n${after}`)
  return false
}

function changes(): string {
  const { status, stdout, stderr } = spawnSync('git', ['status', '--porcelain'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`git status: ${stderr}`)
  return stdout
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
