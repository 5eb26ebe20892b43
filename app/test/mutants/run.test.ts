import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { textOf } from '../support/repository.ts'

const TEST = 'Test: app/test/architecture.test.ts --test-name-pattern "every folder"'

/** A patch that adds a file of one line. */
function adding(path: string, line: string, header = `Promise: Kept.\n${TEST}`): string {
  return `${header}\n\n--- /dev/null\n+++ b/${path}\n@@ -0,0 +1,1 @@\n+${line}\n`
}

/** A patch that makes a file import what does not exist. */
function breakingImportsOf(path: string): string {
  const [first, second] = textOf(path).split('\n')
  return `--- a/${path}\n+++ b/${path}\n@@ -1,2 +1,3 @@\n+import './gone.ts'\n ${first}\n ${second}\n`
}

function runMutants(t: TestContext, patches: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'mutants-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(patches)) writeFileSync(join(folder, `${name}.patch`), text)
  // In the context of a test, node:test would not run another one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const args = [join(import.meta.dirname, 'run.ts'), '--folder', folder]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  return { status, stderr, lines: stdout.trimEnd().split('\n') }
}

const killed = adding('app/src/unheard-of/a.ts', 'export const a = 1')

test('a mutant that its test notices passes', (t) => {
  const { status, lines, stderr } = runMutants(t, { killed })
  assert.deepEqual([status, lines.length, lines[1], stderr], [0, 2, '1 passed, 0 failed', ''])
  assert.match(lines[0] ?? '', /^killed +\d+\.\d s {2}killed: Kept\.$/)
})

for (const { what, patch, fault } of [
  {
    what: 'that no test notices',
    patch: adding('app/src/domain/a.ts', 'export const a = 1'),
    fault: /: SURVIVED 1 test of app\/test\/architecture\.test\.ts$/,
  },
  {
    what: 'whose lines are not there any more',
    patch: killed
      .replace('/dev/null', 'a/app/src/unheard-of/a.ts')
      .replace('@@ -0,0 +1,1 @@', '@@ -1,1 +1,1 @@\n-1'),
    fault: /: patch no longer applies: renew it$/,
  },
  {
    what: 'that does not parse',
    patch: adding('app/src/unheard-of/a.ts', 'export const = 1'),
    fault: /: app\/src\/unheard-of\/a\.ts no longer parses/,
  },
  {
    what: 'that only keeps the test file from running',
    patch: `Promise: Kept.\n${TEST}\n\n${breakingImportsOf('app/test/architecture.test.ts')}`,
    fault: /: the test file fails, but no test in it/,
  },
  {
    what: 'whose test is not there',
    patch: killed.replace('architecture.test.ts', 'gone.test.ts'),
    fault: /: there is no app\/test\/gone\.test\.ts$/,
  },
  {
    what: 'whose name pattern matches no test',
    patch: killed.replace('every folder', 'no such name'),
    fault: /: no test of app\/test\/architecture\.test\.ts has such a name$/,
  },
]) {
  test(`a mutant ${what} fails`, (t) => {
    const { status, lines } = runMutants(t, { mutant: patch })
    assert.deepEqual([status, lines.at(-1)], [1, '0 passed, 1 failed'])
    assert.match(lines[0] ?? '', fault)
  })
}

test('a patch without its two lines is named, and a folder without patches is a failure', (t) => {
  const nameless = runMutants(t, { nameless: adding('a.ts', '1', 'Promise: Kept.') })
  assert.equal(nameless.status, 1)
  assert.match(nameless.stderr, /nameless\.patch: expected it to begin with/)
  assert.deepEqual(runMutants(t, {}), { status: 1, stderr: 'There is no such mutant.\n', lines: [''] })
})
