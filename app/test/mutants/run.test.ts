import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
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

function runMutants(patches: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'mutants-'))
  for (const [name, text] of Object.entries(patches)) writeFileSync(join(folder, `${name}.patch`), text)
  // In the context of a test, node:test would not run another one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const args = [join(import.meta.dirname, 'run.ts'), '--folder', folder]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  return { status, stderr, lines: stdout.trimEnd().split('\n') }
}

const killed = adding('app/src/unheard-of/a.ts', 'export const a = 1')

test('a mutant that its test notices passes', () => {
  const { status, lines, stderr } = runMutants({ killed })
  assert.deepEqual([status, lines.length, lines[2], stderr], [0, 3, '1 passed, 0 failed', ''])
  assert.match(lines[0] ?? '', /^ +\d+\.\d s {2}app\/test\/architecture\.test\.ts without a mutant$/)
  assert.match(lines[1] ?? '', /^killed +\d+\.\d s {2}killed: Kept\.$/)
})

const faults = {
  'that no test notices': {
    patch: adding('app/src/domain/a.ts', 'export const a = 1'),
    fault: /: SURVIVED 1 test of app\/test\/architecture\.test\.ts$/,
  },
  'whose lines are not there any more': {
    patch: killed
      .replace('/dev/null', 'a/app/src/unheard-of/a.ts')
      .replace('@@ -0,0 +1,1 @@', '@@ -1,1 +1,1 @@\n-1'),
    fault: /: patch no longer applies: renew it$/,
  },
  'that does not parse': {
    patch: adding('app/src/unheard-of/a.ts', 'export const = 1'),
    fault: /: app\/src\/unheard-of\/a\.ts no longer parses/,
  },
  'that only keeps the test file from running': {
    patch: `Promise: Kept.\n${TEST}\n\n${breakingImportsOf('app/test/architecture.test.ts')}`,
    fault: /: the test file fails, but no test in it/,
  },
  'whose test is not there': {
    patch: killed.replace('architecture.test.ts', 'gone.test.ts'),
    fault: /: there is no app\/test\/gone\.test\.ts$/,
  },
  'whose name pattern matches no test': {
    patch: killed.replace('every folder', 'no such name'),
    fault: /: no test of app\/test\/architecture\.test\.ts has such a name$/,
  },
}

describe('a mutant fails', () => {
  const all = Object.entries(faults)
  let ran: ReturnType<typeof runMutants>
  before(() => {
    // In one run, with another one: what is wrong with one of them is not laid to the next.
    ran = runMutants({ killed, ...Object.fromEntries(all.map(([what, { patch }]) => [what, patch])) })
  })

  for (const [what, { fault }] of all) {
    test(what, () => {
      const lines = ran.lines.filter((line) => line.startsWith('FAILED') && line.includes(` ${what}: `))
      assert.equal(lines.length, 2, `not told at once and in the end: ${ran.lines.join('\n')}`)
      for (const line of lines) assert.match(line, fault)
    })
  }

  test('and no other', () => {
    assert.deepEqual([ran.status, ran.lines.at(-1)], [1, `1 passed, ${all.length} failed`])
  })
})

test('a patch without its two lines is named, and a folder without patches is a failure', () => {
  const nameless = runMutants({ nameless: adding('a.ts', '1', 'Promise: Kept.') })
  assert.equal(nameless.status, 1)
  assert.match(nameless.stderr, /nameless\.patch: expected it to begin with/)
  assert.deepEqual(runMutants({}), { status: 1, stderr: 'There is no such mutant.\n', lines: [''] })
})
