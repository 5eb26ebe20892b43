import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

/** `npm test -- …args`, apart from the run that this test belongs to. */
function npmTest(...args: string[]) {
  const { NODE_TEST_CONTEXT, ...env } = process.env
  return spawnSync(process.execPath, [join(import.meta.dirname, '../test.ts'), ...args], {
    env,
    encoding: 'utf8',
  })
}

test('a run of the tests that are named succeeds', () => {
  const { status, stdout } = npmTest('local/test/debian.test.ts', '--test-name-pattern=haproxy')
  assert.equal(status, 0)
  assert.match(stdout, /tests 1$/m)
})

test('a run in which no test ran is a failure', () => {
  const { status, stderr } = npmTest('local/test/debian.test.ts', '--test-name-pattern=no such test')
  assert.equal(status, 1)
  assert.match(stderr, /no test ran/)
})

test('a run without a test file is a failure', () => {
  const { status, stderr } = npmTest('local/test/no-such.test.ts')
  assert.equal(status, 1)
  assert.match(stderr, /no test file: local\/test\/no-such\.test\.ts/)
})
